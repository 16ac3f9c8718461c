"""What mail services post is the message that was sent: its words in their charsets, its files, and what was verified of it."""

import base64
import json
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.form import NoForm, fields_of
from services.intake.domain.letter import Letter, digest_of, key_in, message_id, without_key
from services.intake.domain.posted_mail import mailgun_letter, sendgrid_letter
from tests.unit.intake.real_bodies import PAYLOADS

KEY = "providermail1234567secretsecrets"
MULTIPART = "multipart/form-data; boundary=xYz"
FORM = "application/x-www-form-urlencoded"


def posted(*parts: tuple[str, bytes], files: tuple[tuple[str, str, str, bytes], ...] = ()) -> bytes:
    lines: list[bytes] = []
    for name, value in parts:
        lines += [b"--xYz", f'Content-Disposition: form-data; name="{name}"'.encode(), b"", value]
    for name, filename, media, value in files:
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {media}'
        lines += [b"--xYz", head.encode(), b"", value]
    return b"\r\n".join([*lines, b"--xYz--", b""])


def read(letter: Letter) -> EmailMessage:
    return message_from_bytes(letter.body, policy=default)


def from_sendgrid(body: bytes) -> Letter:
    return sendgrid_letter(fields_of(MULTIPART, body))


HEADERS = b"Message-ID: <1@carrier.example>\nFrom: NOC <noc@carrier.example>\nSubject: Planned\n work\nContent-Type: multipart/mixed; boundary=gone"


def test_a_raw_post_is_the_message_byte_for_byte() -> None:
    raw = b"Subject: x\r\n\r\n\xff\xfe not UTF-8\r\n"

    letter = from_sendgrid(posted(("email", raw), ("subject", b"other")))

    assert letter.body == raw


def test_each_field_keeps_its_own_charset() -> None:
    charsets = {"text": "windows-1252", "html": "iso-8859-1", "subject": "cp850"}
    letter = from_sendgrid(
        posted(
            ("headers", b"From: a@b.example"),
            ("subject", "Así".encode("cp850")),
            ("text", "Störung – behoben".encode("windows-1252")),
            ("html", "<p>¿Qué?</p>".encode("iso-8859-1")),
            ("charsets", json.dumps(charsets).encode()),
        )
    )

    mail = read(letter)
    assert mail["subject"] == "Así"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content() == "Störung – behoben"
    assert html.get_content() == "<p>¿Qué?</p>"


def test_headers_come_as_they_were_and_only_what_described_the_parts_is_written_anew() -> None:
    mail = read(from_sendgrid(posted(("headers", HEADERS), ("text", b"words"))))

    assert mail["message-id"] == "<1@carrier.example>"
    assert mail["subject"] == "Planned work"
    assert mail.get_content_type() == "text/plain"
    assert len(mail.get_all("content-type", [])) == 1


def test_files_come_along_byte_for_byte() -> None:
    calendar = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    nested = b"Subject: inner\r\n\r\nwords of a mail that was forwarded\r\n"
    letter = from_sendgrid(
        posted(
            ("headers", HEADERS),
            ("text", b"words"),
            ("attachments", b"2"),
            files=(
                ("attachment1", "notice.ics", "text/calendar; charset=utf-8", calendar),
                ("attachment2", "störung.eml", "message/rfc822", nested),
            ),
        )
    )

    mail = read(letter)
    first, second = list(mail.iter_attachments())
    assert (first.get_content_type(), first.get_filename()) == ("text/calendar", "notice.ics")
    assert first.get_payload(decode=True) == calendar
    assert second.get_content_type() == "message/rfc822"
    assert base64.b64encode(nested)[:40] in letter.body


def test_what_sendgrid_verified_is_told_as_a_mail_server_would() -> None:
    letter = from_sendgrid(
        posted(
            ("email", b"Subject: x\r\n\r\n"),
            ("SPF", b"pass"),
            ("dkim", b"{@carrier.example : pass, @other.example : fail}"),
            ("sender_ip", b"192.0.2.7"),
            ("envelope", json.dumps({"from": "b@bounce.example", "to": [f"ops+{KEY}@in.example"]}).encode()),
        )
    )

    assert dict(letter.headers) == {
        "content-type": "message/rfc822",
        "x-tocsin-mail-transport": "sendgrid",
        "x-tocsin-envelope-from": "b@bounce.example",
        "x-tocsin-envelope-to": "ops@in.example",
        "x-tocsin-peer": "192.0.2.7",
        "x-tocsin-authentication-results": "sendgrid; spf=pass smtp.mailfrom=bounce.example; dkim=pass header.d=carrier.example; "
        "dkim=fail header.d=other.example",
    }


@pytest.mark.parametrize("dkim", [b"none", b"{@x.example;dmarc=pass : pass}", b"", b"\xff"])
def test_nothing_is_told_of_what_was_not_verified(dkim: bytes) -> None:
    letter = from_sendgrid(posted(("email", b"x: y\r\n\r\n"), ("SPF", b"whatever"), ("dkim", dkim)))

    assert letter.authentication == ""


def mailgun(head: list[tuple[str, str]], **fields: str) -> Letter:
    form = {"sender": "b@bounce.example", "recipient": "ops@in.example", "message-headers": json.dumps(head), **fields}
    return mailgun_letter(fields_of(FORM, urlencode(form).encode()))


OWN = [("X-Mailgun-Dkim-Check-Result", "Pass"), ("X-Mailgun-Spf", "Pass"), ("Received", "from a by b")]
SIGNED = ("DKIM-Signature", "v=1; a=rsa-sha256; d=carrier.example; s=x; b=abc")


def test_a_message_in_parts_from_mailgun_is_put_together() -> None:
    letter = mailgun(
        [*OWN, SIGNED, ("Message-Id", "<1@carrier.example>"), ("Subject", "Störung")],
        **{"body-plain": "Wörter", "body-html": "<p>Wörter</p>"},
    )

    mail = read(letter)
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert plain.get_content() == "Wörter"
    assert message_id(letter.body) == "<1@carrier.example>"
    assert letter.authentication == "mailgun; spf=pass smtp.mailfrom=bounce.example; dkim=pass header.d=carrier.example"
    assert (letter.sender, letter.recipients) == ("b@bounce.example", ("ops@in.example",))


def test_findings_that_the_author_wrote_himself_do_not_count() -> None:
    letter = mailgun([("Received", "from a by b"), *OWN[:2], SIGNED], **{"body-plain": "x"})

    assert letter.authentication == ""


def test_which_of_two_signatures_was_good_is_not_guessed() -> None:
    other = ("DKIM-Signature", "v=1; d=evil.example; b=abc")
    letter = mailgun([*OWN, SIGNED, other], **{"body-plain": "x"})

    assert letter.authentication == "mailgun; spf=pass smtp.mailfrom=bounce.example"


def test_the_message_itself_is_preferred_to_its_parts() -> None:
    raw = b"X-Mailgun-Spf: Pass\r\nSubject: x\r\n\r\n\xe4\r\n"
    form = urlencode({"sender": "b@bounce.example", "body-mime": raw})

    letter = mailgun_letter(fields_of(FORM, form.encode()))

    assert letter.body == raw
    assert letter.authentication == "mailgun; spf=pass smtp.mailfrom=bounce.example"


def test_the_same_post_makes_the_same_message() -> None:
    one, two = (from_sendgrid(posted(("headers", HEADERS), ("text", b"a"), ("html", b"b"))) for _ in range(2))

    assert digest_of(one.body) == digest_of(two.body)
    assert digest_of(one.body) != digest_of(from_sendgrid(posted(("headers", HEADERS), ("text", b"c"))).body)


@pytest.mark.parametrize("body", [b"", b"--xYz", posted(("subject", b"x")), b"\x00" * 100])
def test_a_form_without_a_message_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(NoForm):
        from_sendgrid(body)


@given(st.binary(max_size=300), st.integers(0, 600), st.integers(0, 60))
def test_no_broken_form_is_an_error(change: bytes, at: int, width: int) -> None:
    body = posted(("headers", HEADERS), ("text", b"words"), ("envelope", b"{}"), ("charsets", b"[]"))
    broken = body[:at] + change + body[at + width :]
    for letter_of in (sendgrid_letter, mailgun_letter):
        try:
            letter = letter_of(fields_of(MULTIPART, broken))
        except NoForm:
            continue
        assert letter.body


@pytest.mark.parametrize(
    ("address", "key", "shown"),
    [
        (f"ops+{KEY}@in.example", KEY, "ops@in.example"),
        (f"a+b+{KEY.upper()}@in.example", KEY, "a+b@in.example"),
        (f'"ops+{KEY}"@in.example', KEY, "ops@in.example"),
        (f"{KEY}@in.example", None, f"{KEY}@in.example"),
        ("ops+noc@in.example", None, "ops+noc@in.example"),
        (f"ops+{KEY}x@in.example", None, f"ops+{KEY}x@in.example"),
    ],
)
def test_the_key_stands_behind_the_last_plus_sign(address: str, key: str | None, shown: str) -> None:
    assert key_in(address) == key
    assert without_key(address) == shown


def test_a_message_is_known_by_its_id_wherever_the_header_is_folded() -> None:
    assert message_id(b"Subject: x\r\nmessage-id:\r\n <1@b.example>\r\n\r\nMessage-ID: <no>") == "<1@b.example>"
    assert message_id(b"Subject: x\r\n\r\nMessage-ID: <no>") == ""


def test_what_servers_add_on_the_way_does_not_make_it_another_message() -> None:
    raw = b"Message-ID: <1@b.example>\r\n\r\nwords\r\n"

    assert digest_of(b"Received: from a\r\n" + raw) == digest_of(raw.replace(b"\r\n", b"\n"))


def test_what_the_services_really_post_is_read() -> None:
    manifest = PAYLOADS / "manifest.json"
    entries = json.loads(manifest.read_text()) if manifest.exists() else []
    for entry in entries:
        folder = entry["file"].partition("/")[0]
        raw = (PAYLOADS / entry["file"]).read_bytes() if folder in ("sendgrid", "mailgun") else b""
        if not raw:
            continue
        media = entry["content_type"].partition(" (")[0]
        fields = fields_of(media, raw)
        letter = (sendgrid_letter if folder == "sendgrid" else mailgun_letter)(fields)
        mail = read(letter)
        head = next(
            fields[name].value for name in ("headers", "message-headers", "body-mime", "email") if name in fields
        )
        subject = read(Letter("smtp", head))["subject"] or dict(json.loads(head))["Subject"]
        assert (entry["file"], mail["subject"]) == (entry["file"], subject)
        identity = mail["message-id"]
        assert (message_id(letter.body) or None) == (None if identity is None else str(identity).strip())
        for kind, names in (("plain", ("text", "body-plain")), ("html", ("html", "body-html"))):
            part = mail.get_body((kind,))
            given = next((fields[name].value for name in names if name in fields), None)
            if given is not None:
                assert part is not None
                assert part.get_payload(decode=True) == given
