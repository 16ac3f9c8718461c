"""What a body that nobody understood is about, and how two readings of one body differ."""

import pytest

from services.intake.domain.compare import Difference, differences
from services.intake.domain.gist import excerpt, gist
from services.intake.domain.mapping import TITLE_LIMIT

MAIL = b"From: a@b.example\r\nSubject: =?iso-8859-1?q?St=F6rung?=\r\n in West Europe\r\n\r\nBody\r\n"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (MAIL, "Störung in West Europe"),
        (b"From: a@b.example\nSubject: =?nonsense?q?x?=\n\nBody", "=?nonsense?q?x?="),
        (b"Subject: a line of a log, and no mail", "Subject: a line of a log, and no mail"),
        (b'{"id": 7, "summary": "Disk is full", "text": "x"}', "Disk is full"),
        (b'{"id": 7}', "Shop sent something that nobody could read"),
        (b"[1, 2]", "Shop sent something that nobody could read"),
        (b'{"kind": ', "Shop sent something that nobody could read"),
        (b"<html><body>Down</body></html>", "Shop sent something that nobody could read"),
        (b"\n  ----  \n  Disk is full  \nmore", "Disk is full"),
        (b"", "Shop sent something that nobody could read"),
        (b"\xff\xfe\x00", "Shop sent something that nobody could read"),
        (b"[" * 100_000, "Shop sent something that nobody could read"),
    ],
)
def test_the_first_words_that_say_something_are_the_title(body: bytes, said: str) -> None:
    assert gist(body, "Shop") == said


def test_a_title_has_a_length_that_a_page_can_show() -> None:
    assert len(gist(b"x" * 10_000, "Shop")) == TITLE_LIMIT


def test_the_text_of_a_body_is_shown_and_its_bytes_are_not() -> None:
    assert excerpt(b"Down\x00 since noon") == "Down␀ since noon"
    assert excerpt(bytes(range(128, 256)) * 20) == ""


ALARM = {
    "trigger_id": "1", "delivery_id": "d1", "received_at": "09:00", "started_at": "09:00", "dedup_key": "a",
    "status": "firing", "title": "Slow", "group": {"key": "d1", "siblings": ["a"]}, "service": None,
}  # fmt: skip


def test_what_differs_with_each_arrival_is_no_difference() -> None:
    again = ALARM | {"trigger_id": "2", "delivery_id": "d2", "received_at": "10:00", "started_at": "10:00"}
    again["group"] = {"key": "d2", "siblings": ["a"]}
    assert differences([ALARM], [again]) == []


def test_what_is_read_otherwise_is_named_field_by_field() -> None:
    again = ALARM | {"service": "checkout", "title": "Slow checkout", "started_at": "08:00"}
    assert differences([ALARM], [again]) == [
        Difference("a", "firing", "started_at", None, "08:00"),
        Difference("a", "firing", "title", "Slow", "Slow checkout"),
        Difference("a", "firing", "service", None, "checkout"),
    ]


def test_a_trigger_that_only_one_reading_has_is_named_by_its_title() -> None:
    other = ALARM | {"dedup_key": "b", "title": "Full"}
    assert differences([ALARM], [other]) == [
        Difference("a", "firing", "", "Slow", None),
        Difference("b", "firing", "", None, "Full"),
    ]
