"""Intake's small pure helpers."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.common.chance import Chance
from libs.common.events.directory import HashedKey
from services.intake.domain.dedup import bounded, hash_of_labels
from services.intake.domain.headers import kept_headers
from services.intake.domain.integration import key_is_good
from services.intake.domain.mapping import clean, several, web_links
from services.intake.domain.trigger import Refusal, summary
from services.intake.store.deliveries import first_id

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def test_labels_hash_the_same_in_any_order_and_differ_by_name_value_and_boundary() -> None:
    assert hash_of_labels({"a": "1", "b": "2"}) == hash_of_labels({"b": "2", "a": "1"})
    others = [{"a": "1"}, {"a": "1", "b": "3"}, {"a": "1", "c": "2"}, {"a": "1b", "": "2"}]
    assert len({hash_of_labels(labels) for labels in others}) == 4


def test_a_long_key_becomes_a_hash_of_itself_and_a_short_one_stays() -> None:
    assert bounded("k" * 255) == "k" * 255
    assert bounded("k" * 256) != bounded("k" * 257)
    assert len(bounded("k" * 10_000)) == 71


@pytest.mark.parametrize(
    "name", ["Authorization", "Proxy-Authorization", "Cookie", "X-Tocsin-Key", "X-Api-Key", "X-Gitlab-Token"]
)
def test_a_header_that_may_hold_a_credential_is_not_kept(name: str) -> None:
    assert kept_headers([(name, "hush"), ("User-Agent", "x")]) == {"user-agent": "x"}


def test_a_signature_is_kept_so_that_it_can_be_looked_at() -> None:
    assert kept_headers([("X-Hub-Signature-256", "sha256=00")]) == {"x-hub-signature-256": "sha256=00"}


def test_a_text_is_cut_with_a_sign_and_loses_lone_surrogates() -> None:
    assert clean("x" * 20, 5) == "xxxx…"
    assert clean("a\ud800b") == "a?b"


def test_a_list_with_commas_has_each_part_once() -> None:
    assert several(" a, b ,,a") == ("a", "b")
    assert several(None) == ()


def test_only_web_addresses_become_links_and_each_once() -> None:
    links = web_links([("HTTPS://a.example", "A"), ("ftp://b", "B"), (None, "C"), ("HTTPS://a.example", "D")])
    assert [(link.href, link.text) for link in links] == [("HTTPS://a.example", "A")]


def test_a_key_is_good_until_its_end_and_not_at_it() -> None:
    key = HashedKey(id="a" * 8, digest="d", expires_at=NOW)
    assert key_is_good(key, NOW - timedelta(seconds=1))
    assert not key_is_good(key, NOW)
    assert key_is_good(HashedKey(id="a" * 8, digest="d"), NOW)


def test_many_refusals_are_told_in_one_sentence_each_and_counted_beyond_three() -> None:
    refusals = [Refusal("invalid-field", f"Wrong {number}.", f"#/{number}") for number in range(5)]
    assert summary(refusals) == "#/0: Wrong 0. #/1: Wrong 1. #/2: Wrong 2. And 2 more."


def test_the_least_id_of_a_moment_is_below_all_ids_made_then_and_above_all_made_before() -> None:
    assert Chance(1).uuid7(NOW - timedelta(milliseconds=1)) < first_id(NOW) <= Chance(1).uuid7(NOW)
