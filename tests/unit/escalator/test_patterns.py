"""Patterns find what Python's own expressions find, and are never slow."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.escalator.domain.patterns import pattern

TEXTS = ("", "a", "ab", "aab", "abb", "ba", "Checkout answers 5xx", "db-17 is down", "a\nb", "xx_y", "no. 5")


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "^a",
        "b$",
        "^$",
        "a*b",
        "a+b",
        "^a?b",
        "^(a|b)+$",
        "^(?:ab|ba)$",
        "a{2}",
        "^a{1,2}b{1,}$",
        "^a{0}b",
        r"\d+xx",
        r"\bdb-\d{2}\b.*(down|lost)",
        "[^a-z ]",
        "[]a]",
        r"\.",
        "(a|)b",
        "check.*?5XX",
        r"\Sb",
        "",
        "a|b|down",
        "(a*)*b",
        "(x|xx|_)+y$",
    ],
)
def test_a_pattern_finds_what_pythons_own_does(text: str) -> None:
    own = re.compile(text, re.IGNORECASE | re.DOTALL)
    found = {each: pattern(text).found_in(each) for each in TEXTS}
    assert found == {each: own.search(each) is not None for each in TEXTS}


_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "(a|b)", "(ab|a)", "(?:b|)", r"\w", r"\b", "^", "$"])
_PIECES = st.tuples(_ATOMS, st.sampled_from(["", "*", "+", "?", "{2}", "{0,2}", "{1,}"])).map("".join)


@given(st.lists(_PIECES, max_size=5).map("".join), st.text("ab ", max_size=8))
def test_any_pattern_finds_what_pythons_own_does(text: str, searched: str) -> None:
    try:
        own = re.compile(text, re.IGNORECASE | re.DOTALL)
    except re.error:
        return
    assert pattern(text).found_in(searched) == (own.search(searched) is not None)


@pytest.mark.parametrize("text", ["(a+)+$", "(a|a)*b", "(a*)*(a*)*b", "a?" * 50 + "a" * 50, "(.*)(.*)(.*)(.*)(.*)x"])
def test_a_pattern_that_makes_others_hang_is_answered_at_once(text: str) -> None:
    began = time.process_time()  # the processor's time: others on the machine do not count
    pattern(text).found_in("a" * 2_000 + "!")
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (r"(a)\1", "no backreferences"),
        ("(?=a)", "look-arounds"),
        ("(?i)a", "no flags"),
        ("(a", "not closed"),
        ("a)", "not opened"),
        ("[a", "not closed"),
        ("*a", "nothing that it belongs to"),
        ("a**", "cannot be repeated"),
        ("a{3,2}", "no greater"),
        ("(a{100}){100}", "too large"),
        ("[z-a]", "no class"),
        ("a" * 201, "at most 200"),
        ("a\\", "nothing that it belongs to"),
    ],
)
def test_what_is_no_part_of_the_language_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        pattern(text)
