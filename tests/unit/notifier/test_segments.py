"""How many parts a text takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.segments import fits_one, measure, plain


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "gsm7", 0, 0),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("€" * 81, "gsm7", 162, 2),
        ("[x]", "gsm7", 5, 1),
        ("ж" * 70, "ucs2", 70, 1),
        ("ж" * 71, "ucs2", 71, 2),
        ("😀" * 35, "ucs2", 70, 1),
        ("😀" * 36, "ucs2", 72, 2),
        ("`", "ucs2", 1, 1),
    ],
)
def test_a_text_takes_the_parts_that_the_standard_says(text: str, encoding: str, units: int, segments: int) -> None:
    size = measure(text)
    assert (size.encoding, size.units, size.segments) == (encoding, units, segments)


def test_an_escaped_character_is_never_cut_in_two() -> None:
    # 152 septets and then the two of the euro sign do not fit into a part of 153.
    assert measure("a" * 152 + "€" + "a" * 152).segments == 3


def test_typographic_signs_become_what_gsm7_has() -> None:
    assert plain("“Checkout” — it’s down…") == '"Checkout" - it\'s down...'
    assert fits_one(plain("–" * 160))


@given(st.text(max_size=500))
def test_no_part_holds_more_than_it_can(text: str) -> None:
    size = measure(text)
    room = {"gsm7": (160, 153), "ucs2": (70, 67)}[size.encoding]
    assert size.units <= (room[0] if size.segments <= 1 else size.segments * room[1])
