"""How what is listened to stands, in words."""

import pytest

from services.statuspage.domain.standing import HEARTBEATS, PAGES, summary, told


@pytest.mark.parametrize(
    ("heartbeats", "pages", "expected"),
    [
        ([], [], ("ok", "Everything that is listened to is as expected")),
        (["beating", "waiting"], ["operational", "quiet"], ("ok", "Everything that is listened to is as expected")),
        (["missing"], ["disrupted"], ("down", "One heartbeat is missing and one provider is disrupted")),
        (["missing", "missing"], ["unknown"], ("down", "Two heartbeats are missing and nobody knows how one provider stands")),
        ([], ["disrupted", "disrupted"], ("degraded", "Two providers are disrupted")),
    ],
)  # fmt: skip
def test_the_first_line_says_what_is_not_as_expected(
    heartbeats: list[str], pages: list[str], expected: tuple[str, str]
) -> None:
    assert summary(heartbeats, pages) == expected


def test_a_state_that_is_new_is_told_by_its_name() -> None:
    assert told("half_asleep", HEARTBEATS) == ("plain", "Half asleep")
    assert told("unknown", PAGES)[0] == "down"
