"""Messages that a mail service posts as forms: SendGrid's Inbound Parse and Mailgun's routes, made into messages again.

Both can post the message as it came, which is best. Else they post what they read of it: then a message is put together of the
same parts, each in the charset in which it came, so that one reader reads all mail.
"""

import base64
import codecs
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from services.intake.domain.form import Field, NoForm
from services.intake.domain.letter import Letter, Transport, without_key

_DOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?", re.IGNORECASE)
_DKIM: Final = re.compile(r"@([^\s:,{}]+)\s*:\s*([a-z]+)", re.IGNORECASE)
_SIGNED_BY: Final = re.compile(r"(?:^|;)\s*d\s*=\s*([^;\s]+)", re.IGNORECASE)
_VERDICTS: Final = frozenset({"pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"})
_OWN_HEADERS: Final = ("content-type", "content-transfer-encoding", "mime-version")
_MEDIA: Final = re.compile(r"[\w.+-]+/[\w.+-]+")
_RETURN: Final = b"\r\n"

Headers = Sequence[tuple[bytes, bytes]]


def signed_part(transport: Transport, fields: Mapping[str, Field], body: bytes) -> bytes:
    """What the sender signed: Mailgun the two fields of its own, in whichever form it posts; SendGrid the whole body."""
    if transport != "mailgun":
        return body
    named = {name: fields[name].value for name in ("timestamp", "token", "signature") if name in fields}
    return urlencode(named).encode()


def sendgrid_letter(fields: Mapping[str, Field]) -> Letter:
    """The message of an Inbound Parse post. Raises :class:`NoForm` where there is none in it."""
    envelope = _object(fields, "envelope")
    sender = str(envelope.get("from") or "")
    named = envelope.get("to")
    raw = fields.get("email")
    if raw is not None and raw.value.strip():
        body = raw.value
    elif "headers" in fields:
        body = _of_sendgrid(fields)
    else:
        raise NoForm("The form has neither the field email nor the field headers: it holds no message.")
    return Letter(
        "sendgrid",
        body,
        without_key(sender),
        tuple(without_key(str(one)) for one in named) if isinstance(named, list) else (),
        _text(fields, "sender_ip"),
        _results("sendgrid", _text(fields, "SPF"), sender, _DKIM.findall(_text(fields, "dkim"))),
    )


def mailgun_letter(fields: Mapping[str, Field]) -> Letter:
    """The message of a route's post. Raises :class:`NoForm` where there is none in it."""
    raw = fields.get("body-mime")
    if raw is not None and raw.value.strip():
        body = raw.value
        headers = _lines(re.split(rb"\r?\n\r?\n", body, maxsplit=1)[0])
    elif "message-headers" in fields:
        headers = [
            (str(pair[0]).encode("utf-8", "replace"), " ".join(str(pair[1]).split()).encode("utf-8", "replace"))
            for pair in _list(fields, "message-headers")
            if isinstance(pair, list) and len(pair) == 2 and str(pair[0]).isascii()
        ]
        texts = [("plain", fields.get("body-plain"), "utf-8"), ("html", fields.get("body-html"), "utf-8")]
        body = _rebuilt(headers, texts, _files(fields, "attachment-"))
    else:
        raise NoForm("The form has neither the field body-mime nor the field message-headers: it holds no message.")
    sender = _text(fields, "sender")
    recipients = tuple(without_key(one.strip()) for one in _text(fields, "recipient").split(",") if one.strip())
    return Letter("mailgun", body, without_key(sender), recipients, "", _mailgun_results(headers, sender))


def _of_sendgrid(fields: Mapping[str, Field]) -> bytes:
    charsets = {name: str(value) for name, value in _object(fields, "charsets").items()}
    headers = list(_lines(fields["headers"].value))
    present = {name.lower() for name, _ in headers}
    for name in ("from", "to", "cc", "subject"):
        given = fields.get(name)
        if given is not None and given.value.strip() and name.encode() not in present:
            headers.append((name.title().encode(), _word(given.value, charsets.get(name, "utf-8"))))
    texts = [
        ("plain", fields.get("text"), charsets.get("text", "utf-8")),
        ("html", fields.get("html"), charsets.get("html", "utf-8")),
    ]
    return _rebuilt(headers, texts, _files(fields, "attachment"))


def _rebuilt(
    headers: Iterable[tuple[bytes, bytes]], texts: Iterable[tuple[str, Field | None, str]], files: Sequence[Field]
) -> bytes:
    """A message of these parts. The same parts make the same bytes, so that a repeated post is known again."""
    parts = [
        _part(f'text/{kind}; charset="{_charset(charset)}"', "", given.value)
        for kind, given, charset in texts
        if given is not None and given.value
    ]
    text = _joined("alternative", parts) if len(parts) != 1 else parts[0]
    whole = _joined("mixed", [text, *map(_attached, files)]) if files else text
    kept = [name + b": " + value for name, value in headers if name.lower().decode("latin-1") not in _OWN_HEADERS]
    return _RETURN.join([*kept, b"MIME-Version: 1.0", whole])


def _joined(kind: str, parts: Sequence[bytes]) -> bytes:
    boundary = hashlib.sha256(b"\0".join(parts)).hexdigest()[:40].encode()
    lines = [f'Content-Type: multipart/{kind}; boundary="'.encode() + boundary + b'"', b""]
    for part in parts:
        lines += [b"--" + boundary, part]
    return _RETURN.join([*lines, b"--" + boundary + b"--", b""])


def _part(media: str, filename: str, content: bytes) -> bytes:
    lines = [f"Content-Type: {media}".encode("ascii", "replace")]
    if filename:
        quoted = re.sub(r'[\x00-\x1f"\\]', "_", filename)
        lines.append(f'Content-Disposition: attachment; filename="{quoted}"'.encode("utf-8", "replace"))
    lines += [b"Content-Transfer-Encoding: base64", b"", base64.encodebytes(content).replace(b"\n", _RETURN)]
    return _RETURN.join(lines)


def _attached(given: Field) -> bytes:
    media = given.content_type.partition(";")[0].strip()
    charset = re.search(r'charset="?([\w.:-]+)', given.content_type)
    told = media if _MEDIA.fullmatch(media) else "application/octet-stream"
    return _part(told + (f'; charset="{charset[1]}"' if charset else ""), given.filename or "file", given.value)


def _files(fields: Mapping[str, Field], prefix: str) -> list[Field]:
    numbered = [(name.removeprefix(prefix), value) for name, value in fields.items() if name.startswith(prefix)]
    return [value for number, value in sorted(numbered) if number.isdecimal()]


def _lines(head: bytes) -> Headers:
    """The fields of a header, with their folding as it came."""
    found: list[tuple[bytes, bytes]] = []
    for line in re.split(rb"\r?\n", head.strip(b"\r\n")):
        if line[:1] in (b" ", b"\t") and found:
            found[-1] = (found[-1][0], found[-1][1] + _RETURN + line)
        elif b":" in line:
            name, _, value = line.partition(b":")
            found.append((name.strip(), value.strip()))
    return found


def _mailgun_results(headers: Headers, sender: str) -> str:
    """What Mailgun found, in the headers that it puts above everything that came with the message: those below anybody may write."""
    own: dict[str, str] = {}
    for name, value in headers:
        if name.lower() == b"received":
            break
        own.setdefault(name.lower().decode("latin-1"), value.decode("latin-1").strip().lower())
    signers = {
        match[1].lower()
        for name, value in headers
        if name.lower() == b"dkim-signature" and (match := _SIGNED_BY.search(value.decode("latin-1")))
    }
    verdict = own.get("x-mailgun-dkim-check-result", "")
    # which of several signatures it speaks of is not said, so that it proves nothing then
    signed = [(signer, verdict) for signer in signers] if len(signers) == 1 else []
    return _results("mailgun", own.get("x-mailgun-spf", ""), sender, signed)


def _results(service: str, spf: str, sender: str, dkim: Iterable[tuple[str, str]]) -> str:
    """The findings as RFC 8601 writes them; empty where there are none that say of which domain."""
    told: list[str] = []
    domain = sender.rpartition("@")[2].strip("<> ")
    if spf.lower() in _VERDICTS and _DOMAIN.fullmatch(domain):
        told.append(f"spf={spf.lower()} smtp.mailfrom={domain.lower()}")
    for signer, verdict in dkim:
        if verdict.lower() in _VERDICTS and _DOMAIN.fullmatch(signer):
            told.append(f"dkim={verdict.lower()} header.d={signer.lower()}")
    return "; ".join([service, *told]) if told else ""


def _word(value: bytes, charset: str) -> bytes:
    """A header's value as an encoded word (RFC 2047), in the charset in which it came."""
    if value.isascii():
        return b" ".join(value.split())
    return f"=?{_charset(charset)}?b?".encode() + base64.b64encode(b" ".join(value.split())) + b"?="


def _charset(name: str) -> str:
    try:
        return codecs.lookup(name).name if name.isascii() else "utf-8"
    except LookupError:
        return "utf-8"


def _text(fields: Mapping[str, Field], name: str) -> str:
    given = fields.get(name)
    return "" if given is None else given.value.decode("utf-8", "replace").strip()


def _object(fields: Mapping[str, Field], name: str) -> dict[str, Any]:
    value = _json(fields, name)
    return value if isinstance(value, dict) else {}


def _list(fields: Mapping[str, Field], name: str) -> list[Any]:
    value = _json(fields, name)
    return value if isinstance(value, list) else []


def _json(fields: Mapping[str, Field], name: str) -> Any:
    try:
        return json.loads(_text(fields, name) or "null")
    except (ValueError, RecursionError):
        return None
