"""One calendar in every wrapping that programs, gateways and lists have put around one: it is the same maintenance, or a person is told why not."""

import quopri
import time
from base64 import encodebytes
from encodings.aliases import aliases

import pytest

from services.intake.domain.message import mail_of
from tests.unit.intake.support import integration, only, read
from tests.unit.intake.test_every_source import check
from tests.unit.intake.test_notices_ics import MAINTNOTE, TEN, calendar

HEAD = (
    b"From: NOC <noc@example.com>\r\nSubject: Maintenance\r\nMessage-ID: <1@example.com>\r\n"
    b"Date: Mon, 02 Mar 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\n"
)
ICS = calendar(MAINTNOTE)
FOLDED = ICS.replace(b"SUMMARY:Moving to", b"SUMMARY:Moving \r\n to")
WORDS = "text/plain", b"See the calendar."


def packed(body: bytes) -> bytes:
    return encodebytes(body).replace(b"\n", b"\r\n")


def part(media: str, body: bytes, encoding: str = "", disposition: str = "") -> bytes:
    head = [f"Content-Type: {media}"]
    head += [f"Content-Transfer-Encoding: {encoding}"] if encoding else []
    head += [f"Content-Disposition: {disposition}"] if disposition else []
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def multi(*parts: bytes, kind: str = "mixed", boundary: str = "XX") -> bytes:
    head = HEAD + f"Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n".encode()
    return (
        head + b"".join(f"--{boundary}\r\n".encode() + one + b"\r\n" for one in parts) + f"--{boundary}--\r\n".encode()
    )


ALONE = HEAD + part("text/calendar", ICS)
INSIDE = multi(
    part("message/rfc822", multi(part("text/calendar", packed(ICS), "base64"), boundary="YY")), boundary="ZZ"
)
WRAPPINGS = {
    "alone": ALONE,
    "base64": HEAD + part("text/calendar", packed(FOLDED), "base64"),
    "BASE64, spelt so": HEAD + part("text/calendar", packed(ICS), "BASE64 "),
    "base64 without its padding": HEAD + part("text/calendar", packed(ICS + b" ").rstrip().rstrip(b"="), "base64"),
    "base64 with the footer of a list": HEAD + part("text/calendar", packed(ICS) + b"____\r\nnoc mailing list\r\n", "base64"),
    "base64 that is none": HEAD + part("text/calendar", ICS, "base64"),
    "quoted-printable": HEAD + part("text/calendar", quopri.encodestring(FOLDED), "quoted-printable"),
    "utf-16 that is none": HEAD + part("text/calendar; charset=utf-16", ICS + b" " * (len(ICS) % 2)),
    "utf-16": HEAD + part("text/calendar; charset=utf-16", packed(ICS.decode().encode("utf-16")), "base64"),
    "utf-16 that does not say so": HEAD + part("text/calendar", packed(ICS.decode().encode("utf-16")), "base64"),
    "a charset of addresses": HEAD + part("text/calendar; charset=punycode", ICS),
    "a charset that is no charset": HEAD + part("text/calendar; charset=zlib", ICS),
    "application/ics": multi(part(*WORDS), part("application/ics", packed(ICS), "base64")),
    "a file": multi(part(*WORDS), part('application/octet-stream; name="invite.ICS"', packed(ICS), "base64")),
    "a file without a name": multi(part(*WORDS), part("application/octet-stream", packed(ICS), "base64")),
    "a file with a foreign name": multi(
        part(*WORDS), part("application/octet-stream", packed(ICS), "base64", "attachment; filename*=UTF-8''inv%C3%AFte.ics")
    ),
    "forwarded": multi(part(*WORDS), part("message/rfc822", ALONE)),
    "forwarded twice": INSIDE,
    "forwarded in base64": multi(part(*WORDS), part("message/rfc822", packed(ALONE), "base64")),
    "forwarded in quoted-printable": multi(
        part(*WORDS), part("message/rfc822", quopri.encodestring(ALONE), "quoted-printable")
    ),
    "forwarded as a file": multi(part(*WORDS), part('application/octet-stream; name="x.eml"', packed(ALONE), "base64")),
    "a digest": multi(b"\r\n" + ALONE, kind="digest"),
    "beside a winmail.dat": multi(
        part("text/calendar", ICS), part('application/ms-tnef; name="winmail.dat"', packed(b"\x78\x9f"), "base64")
    ),
    "signed": multi(
        part("text/calendar", ICS), part("application/pkcs7-signature; name=smime.p7s", packed(b"x"), "base64"), kind="signed"
    ),
    "cut off": multi(part("text/calendar", ICS)).removesuffix(b"--XX--\r\n"),
    "another boundary": multi(part("text/calendar", ICS)).replace(b"boundary=XX", b"boundary=QQ"),
    "no boundary": multi(part("text/calendar", ICS)).replace(b"; boundary=XX", b""),
    "line feeds": ALONE.replace(b"\r\n", b"\n"),
    "carriage returns": ALONE.replace(b"\r\n", b"\r"),
    "of a mailbox": b"From noc@example.com Mon Mar  2 09:00:00 2026\r\n" + ALONE,
    "with a byte order mark": b"\xef\xbb\xbf" + ALONE,
    "in the text": HEAD + part("text/plain", b"Hello\r\n\r\n" + ICS),
    "quoted in the text": HEAD + part("text/plain", b"Fwd:\r\n\r\n" + b"\r\n".join(b"> " + line for line in ICS.splitlines())),
    "three times": multi(
        part(*WORDS), part("text/calendar", ICS), part("application/ics; name=a.ics", packed(ICS), "base64"), kind="alternative"
    ),
}  # fmt: skip
SEALED = {
    "winmail.dat": multi(
        part("text/plain", b""), part('application/ms-tnef; name="winmail.dat"', packed(b"x"), "base64")
    ),
    "S/MIME": HEAD + part("application/pkcs7-mime; name=smime.p7m", packed(b"xx"), "base64"),
    "PGP": multi(
        part("application/pgp-encrypted", b"Version: 1"), part("application/octet-stream", b"-----"), kind="encrypted"
    ),
}


@pytest.mark.parametrize("name", WRAPPINGS)
def test_it_is_the_same_maintenance_in_every_wrapping(name: str) -> None:
    trigger = only(read("mail", WRAPPINGS[name], integration("mail", "provider", {"trust": "key"})))
    assert (trigger.dedup_key, trigger.title, trigger.status) == (
        "example.com:WorkOrder-1",
        "Moving to new disks",
        "firing",
    )
    assert trigger.window is not None
    assert trigger.window.starts_at == TEN


@pytest.mark.parametrize("name", SEALED)
def test_what_only_its_recipients_program_can_read_is_told_so(name: str) -> None:
    (refusal,) = read("mail", SEALED[name], integration("mail", "provider", {"trust": "key"})).refusals
    assert refusal.reason == "no-reader"
    assert name in refusal.detail


def test_letters_beyond_ascii_survive_a_charset_that_is_not_true() -> None:
    body = "Störung: Zürich – 東京".encode()
    for charset in ("us-ascii", "utf-16", "x-unknown", "idna"):
        (mail,) = mail_of(HEAD + part(f"text/plain; charset={charset}", body, "8bit"))
        assert mail.text == "Störung: Zürich – 東京"


@pytest.mark.parametrize("charset", ["punycode", "idna", "utf-7", "unicode_escape", "hz", "iso2022_jp"])
def test_no_charset_keeps_its_reader_busy(charset: str) -> None:
    raw = HEAD + part(f"text/plain; charset={charset}", b"a-b" * 100_000 + b"-" + b"z9" * 50_000)
    began = time.process_time()
    mail_of(raw)
    taken = time.process_time() - began
    began = time.process_time()
    for _ in range(20):
        mail_of(raw.replace(charset.encode(), b"us-ascii"))
    assert taken < max(time.process_time() - began, 0.2), "as long as twenty that are plain"


CODECS = sorted({*aliases.values(), "idna", "punycode", "undefined", "utf_8_sig", "raw_unicode_escape", "", "'", '"'})


@pytest.mark.parametrize("media", ["text/plain", "text/calendar", "message/rfc822"])
@pytest.mark.parametrize("encoding", ["", "8bit", "base64", "quoted-printable", "x-uuencode"])
def test_a_message_of_any_charset_is_read_or_refused(media: str, encoding: str) -> None:
    for codec in CODECS:
        for body in ("Störung = 東京".encode(), b"\xff\xfe\x00d8", b"begin 644 x\n#0V%T\n \nend"):
            raw = HEAD.replace(b"Maintenance", f"=?{codec}?B?U3TDtnJ1bmc=?=".encode())
            check(read("mail", raw + part(f"{media}; charset={codec}", body, encoding)))
