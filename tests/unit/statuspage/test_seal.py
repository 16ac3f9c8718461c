"""The cookie alone opens a session."""

import hashlib

from libs.common.chance import Chance
from services.statuspage.seal import new_secret, page_key_fits, same_token
from tests.support.statuspage import PAGE_KEY


def test_a_key_is_sealed_so_that_only_its_own_cookie_opens_it() -> None:
    mine, other = new_secret(Chance(1)), new_secret(Chance(2))
    sealed = mine.seal("tocsin_secret")
    assert b"tocsin_secret" not in sealed
    assert mine.unseal(sealed) == "tocsin_secret"
    assert other.unseal(sealed) is None
    assert mine.cookie not in mine.digest


def test_each_session_has_its_own_form_token() -> None:
    mine, other = new_secret(Chance(1)), new_secret(Chance(2))
    assert mine.allows(mine.csrf)
    assert not mine.allows(other.csrf)
    assert not mine.allows("")


def test_a_page_opens_only_with_its_key() -> None:
    digest = hashlib.sha256(PAGE_KEY.encode()).hexdigest()
    assert page_key_fits(PAGE_KEY, digest)
    assert not page_key_fits(PAGE_KEY + "x", digest)
    assert not page_key_fits("", digest)


def test_only_the_token_that_was_set_signs_in() -> None:
    assert same_token("a" * 16, "a" * 16)
    assert not same_token("a" * 16, "a" * 17)


def test_cookies_are_too_long_to_be_guessed() -> None:
    assert len(new_secret(Chance()).cookie) >= 43
