"""Bodies that real senders posted, where a collection of them stands beside the project or ``TOCSIN_PAYLOADS`` names one.

``manifest.json`` says of each what a receiver derives; ``real_bodies.py`` says the same as expressions over the body. The bodies
stay where they are: they are not ours to ship. Where there is no collection, there is nothing to compare.
"""

from tests.unit.intake.real_bodies import entries, problems


def test_every_real_body_yields_what_its_manifest_derives() -> None:
    found = {entry["file"]: wrong for entry in entries() if (wrong := problems(entry))}
    assert not found
