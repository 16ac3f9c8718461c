"""Mail in whatever form it comes: however it is encoded it says the same, and whatever is broken in it is never lost."""

import quopri
from base64 import encodebytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.events.base import TriggerKind
from services.intake.sources.registry import all_sources
from tests.unit.intake.support import only
from tests.unit.intake.test_every_source import check
from tests.unit.intake.test_mail import MX, SAMPLE, of


def encoded(raw: bytes, how: str) -> bytes:
    """The same mail as other programs would send it."""
    head, _, body = raw.partition(b"\n\n")
    if b"multipart" in head:
        return raw
    if how == "base64":
        return head + b"\nContent-Transfer-Encoding: base64\n\n" + encodebytes(body)
    if how == "quoted-printable":
        return head + b"\nContent-Transfer-Encoding: quoted-printable\n\n" + quopri.encodestring(body)
    if how == "undeclared":
        return head + b"\nContent-Transfer-Encoding: base64\n\n" + body
    if how == "html" and b"text/html" not in head:
        page = body.replace(b"\n", b"<br>\n")
        return head.replace(b"text/plain", b"text/html") + b"\n\n<html><body>" + page + b"</body></html>"
    return raw.replace(b"\n", b"\r\n") if how == "crlf" else raw


FORMS = ("base64", "quoted-printable", "html", "crlf")
VENDORS = [name for name in SAMPLE if of(SAMPLE[name], **MX).triggers]


@pytest.mark.parametrize("how", FORMS)
@pytest.mark.parametrize("name", VENDORS)
def test_a_mail_says_the_same_however_it_is_encoded(name: str, how: str) -> None:
    plain, other = only(of(SAMPLE[name], **MX)), only(of(encoded(SAMPLE[name], how), **MX))

    assert (other.dedup_key, other.status, other.window) == (plain.dedup_key, plain.status, plain.window)
    assert (other.services, other.severity, other.started_at) == (plain.services, plain.severity, plain.started_at)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_mail_with_lines_changed_is_read_or_refused_and_never_lost(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from([*SAMPLE.values(), all_sources()["mail"].example_body])).split(b"\n")
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "double", "upper", "lower", "swap", "noise", "date"]))
        other = data.draw(st.integers(0, len(lines) - 1))
        match change:
            case "drop" if len(lines) > 1:
                del lines[at]
            case "double":
                lines.insert(at, lines[at])
            case "upper" | "lower":
                lines[at] = lines[at].upper() if change == "upper" else lines[at].lower()
            case "swap":
                lines[at], lines[other] = lines[other], lines[at]
            case "noise":
                lines[at] += data.draw(st.binary(max_size=8))
            case _:
                words = (
                    "31.02.2026 25:61",
                    "0000-00-00 00:00",
                    "9999-12-31 23:59 UTC-14",
                    "1 Jan 99:00",
                    "Z",
                    "+99:99",
                )
                lines[at] = b"Start: " + data.draw(st.sampled_from(words)).encode()
    kind: TriggerKind | None = data.draw(st.sampled_from([None, "provider", "maintenance", "tool"]))
    plain = data.draw(st.booleans())

    reading = of(
        encoded(b"\n".join(lines), data.draw(st.sampled_from([*FORMS, "undeclared"]))), kind, **MX, plain=plain
    )

    check(reading)
    assert reading.triggers or reading.refusals or reading.ignored


FILLERS = {
    "spaces": " " * 60_000 + "x",
    "lines of spaces": "Incident" + " " * 200 + "\n" + "x\n" * 20_000,
    "labels": "start: " * 20_000,
    "headings": ("x" * 70 + ":\n") * 10_000,
    "dates": "1 Jan 2026 10:00 " * 8_000,
    "figures": "1 " * 50_000,
    "elements": "<b>" * 40_000,
    "links": "<a href=x>" * 15_000,
    "open comments": "<!--" * 30_000,
    "open elements": "<a " * 40_000,
    "quotes": '<a "' * 30_000,
    "cells": "<td> </td>" * 15_000,
}
"""What keeps a careless reader busy for hours: each would run into the limit of a test."""


@pytest.mark.parametrize("filler", FILLERS)
def test_no_mail_keeps_its_reader_busy(filler: str) -> None:
    for name in VENDORS:
        raw = SAMPLE[name].rstrip() + b"\n" + FILLERS[filler].encode()
        reading = of(raw.replace(b"text/plain", b"text/html") if "<" in FILLERS[filler] else raw, **MX)
        assert reading.triggers or reading.refusals or reading.ignored
