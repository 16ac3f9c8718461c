from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.auth import Principal, expired, hash_key, issue_key, split_key, verify, visible
from libs.common.chance import Chance
from libs.common.errors import Invalid

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_a_principals_key_is_known_by_its_prefix_and_an_integrations_has_none() -> None:
    assert len(issue_key(Chance(1)).plain) == len("tocsin_") + 32
    assert issue_key(Chance(1)).plain.startswith("tocsin_")
    plain = issue_key(Chance(1), prefix="").plain
    assert len(plain) == 32
    assert plain.isalnum()
    assert plain == plain.lower()


def test_only_the_digest_of_the_secret_is_kept() -> None:
    issued = issue_key(Chance(1))
    found = split_key(issued.plain)
    assert found is not None
    assert issued.hashed.id == found[0]
    assert found[1] not in issued.hashed.model_dump_json()


@given(st.integers(), st.integers())
def test_a_key_opens_its_own_lock_and_no_other(first: int, second: int) -> None:
    one, other = issue_key(Chance(first)), issue_key(Chance(second))
    assert verify(one.plain, one.hashed)
    assert verify(one.plain, other.hashed) == (one.plain == other.plain)


def test_the_right_secret_under_another_id_does_not_fit() -> None:
    issued = issue_key(Chance(1), prefix="")
    assert not verify("00000000" + issued.plain[8:], issued.hashed)
    assert not verify("", issued.hashed)
    assert not verify("tocsin_", issued.hashed)


def test_a_chosen_key_must_have_the_form_of_one() -> None:
    assert verify("a" * 32, hash_key("a" * 32))
    with pytest.raises(Invalid, match="32 lower-case letters and digits"):
        hash_key("password")


def test_every_letter_is_as_likely_as_the_others() -> None:
    chance = Chance(7)
    letters = "".join(issue_key(chance, prefix="").plain for _ in range(2000))
    counts = [letters.count(letter) for letter in "0123456789abcdefghijklmnopqrstuvwxyz"]
    assert min(counts) > 0.9 * len(letters) / 36
    assert max(counts) < 1.1 * len(letters) / 36


def test_a_key_expires_at_its_time() -> None:
    key = issue_key(Chance(1), expires_at=NOW).hashed
    assert not expired(key, NOW - timedelta(seconds=1))
    assert expired(key, NOW)
    assert not expired(issue_key(Chance(1)).hashed, NOW)


@pytest.mark.parametrize(
    ("allowed", "concerned", "seen"),
    [
        (None, ["acme"], True),
        (("acme",), ["acme", "globex"], True),
        (("acme",), ["globex"], False),
        (("acme",), [], True),
        ((), ["acme"], False),
    ],
)
def test_a_principal_with_tenants_sees_what_concerns_them(
    allowed: tuple[str, ...] | None, concerned: list[str], seen: bool
) -> None:
    assert visible(Principal("p", "P", ("viewer",), allowed), concerned) is seen


def test_a_principal_that_stands_for_a_person_acts_as_the_person() -> None:
    actor = Principal("key-1", "Stefania", ("operator",), None, "stefania").actor("console")
    assert (actor.kind, actor.id, actor.via) == ("person", "stefania", "console")
    assert Principal("bot", "Bot", ("operator",)).actor().kind == "principal"
