"""Bodies that real senders posted, where a collection of them stands beside the project or ``TOCSIN_PAYLOADS`` names one.

``manifest.json`` says of each what a receiver derives; ``real_bodies.py`` says the same as expressions over the body. The bodies
stay where they are: they are not ours to ship. Where there is no collection, there is nothing to compare.
"""

import json

from tests.unit.intake import real_mail
from tests.unit.intake.real_bodies import PAYLOADS, entries, problems


def test_every_real_body_yields_what_its_manifest_derives() -> None:
    found = {entry["file"]: wrong for entry in entries() if (wrong := problems(entry))}
    assert not found


def test_every_real_mail_yields_what_its_manifest_derives() -> None:
    found = {entry["file"]: wrong for entry in real_mail.entries() if (wrong := real_mail.problems(entry))}
    assert not found


def test_no_real_mail_of_a_vendor_is_believed_without_proof() -> None:
    assert real_mail.believed_without_proof() == []


def test_no_real_body_is_left_out() -> None:
    """What Twilio calls back with is held to it by the notifier's preview: ``tests/integration/test_notifier_preview.py``."""
    manifest = PAYLOADS / "manifest.json"
    files = {entry["file"] for entry in json.loads(manifest.read_text())} if manifest.exists() else set()
    tried = {entry["file"] for entry in [*entries(), *real_mail.entries()]}
    assert {file for file in files - tried if not file.startswith("twilio/")} == set()
