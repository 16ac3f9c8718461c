"""Addresses and queries of Opsgenie's API, as its clients write them."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.opsgenie import ACTIONS, FIELDS, UNSUPPORTED, BadQuery, Place, place_of, terms_of

WORDS = sorted(ACTIONS)
ALIAS = st.text(min_size=1, max_size=20, alphabet=st.characters(exclude_categories=["Cs"]))


@given(alias=ALIAS, call=st.sampled_from(WORDS), slash=st.sampled_from(["", "/"]))
def test_an_escaped_alias_is_found_again_whatever_it_is(alias: str, call: tuple[str, str], slash: str) -> None:
    method, word = call
    path = "/v2/alerts/" + "/".join(filter(None, [quote(alias, safe=""), word])) + slash
    assert place_of(method, path) == Place(alias, ACTIONS[call])
    assert place_of("GET", f"/v2/alerts/{quote(alias, safe='')}{slash}") == Place(alias)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v2/alerts/a/b/close", Place("a/b", "close")),
        ("POST", "/v2/alerts/a/close/close", Place("a/close", "close")),
        ("POST", "/v2/alerts/close/close/", Place("close", "close")),
        ("POST", "/v2/alerts/a/actions/Restart", Place("a", None, "actions")),
        ("GET", "/v2/alerts/a/attachments/7", Place("a", None, "attachments")),
        ("GET", "/v2/alerts/a/b", Place("a/b")),
        ("GET", "/v2/alerts/a/notes", Place("a", None, "notes")),
        ("GET", "/v2/alerts/a%2Fnotes", Place("a/notes")),
        ("DELETE", "/v2/alerts/a/b", Place("a/b", "delete")),
        ("DELETE", "/v2/alerts/a/tags", Place("a", "remove-tags")),
        ("PUT", "/v2/alerts/a/priority", Place("a", None, "priority")),
        ("POST", "/v2/alerts/a", None),
        ("POST", "/v2/alerts/close", None),
        ("PUT", "/v2/alerts/a", None),
        ("GET", "/v2/alerts/", None),
    ],
)
def test_where_an_address_leads(method: str, path: str, expected: Place | None) -> None:
    assert place_of(method, path) == expected


def test_nothing_is_both_done_and_unsupported() -> None:
    assert not {(method, word) for method, words in UNSUPPORTED.items() for word in words} & set(ACTIONS)


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("", []),
        ("status:open", [("status", "open")]),
        ("status = open AND priority: P1", [("status", "open"), ("priority", "P1")]),
        ('message: "queue stuck" tag:prod', [("message", "queue stuck"), ("tag", "prod")]),
        ('"queue stuck"', [("message", "queue stuck")]),
        ("TINYID:7", [("tinyId", "7")]),
        ("alias: http://x/y:1", [("alias", "http://x/y:1")]),
    ],
)
def test_what_a_query_asks_for(query: str, terms: list[tuple[str, str]]) -> None:
    assert terms_of(query) == terms


@pytest.mark.parametrize("query", ["a OR b", "NOT a", "(a)", "count > 3", "colour:red", "status:", "a:b:c:(", '"'])
def test_a_query_that_would_be_misunderstood_is_refused(query: str) -> None:
    with pytest.raises(BadQuery):
        terms_of(query)


@given(st.text(max_size=40) | st.lists(st.sampled_from([*FIELDS, ":", "=", '"', " ", "AND", "x"])).map("".join))
def test_any_query_is_read_or_refused(query: str) -> None:
    try:
        terms = terms_of(query)
    except BadQuery as error:
        assert str(error)  # noqa: PT017 - that it says something is what counts
        return
    assert all(name in FIELDS.values() for name, _ in terms)
