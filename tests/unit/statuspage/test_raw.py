"""A body as it is shown, and what was derived from it as facts."""

from typing import Any

import pytest

from services.statuspage.domain.raw import Change, changes, facts, readable, said

MAIL = "Date: Mon, 2 Mar 2026 09:00:00 +0000\nFrom: a@b.example\nSubject: Down\n\nIt is down."


@pytest.mark.parametrize(
    ("body", "encoding", "form", "begins"),
    [
        ('{"a":{"b":1}}', "utf-8", "JSON", '{\n  "a": {\n    "b": 1'),
        ("\ufeff [1]", "utf-8", "JSON", "[\n  1\n]"),
        ('{"a":', "utf-8", "Text", '{"a":'),
        ("[" * 100_000, "utf-8", "Text", "[["),
        (MAIL, "utf-8", "E-mail", "Date: Mon"),
        ("subject to change", "utf-8", "Text", "subject"),
        ("AAEC", "base64", "Bytes, in base64", "AAEC"),
    ],
)
def test_a_body_is_laid_out_where_it_is_json_and_else_shown_as_it_came(
    body: str, encoding: str, form: str, begins: str
) -> None:
    shown = readable(body, encoding)
    assert (shown.form, shown.text.startswith(begins)) == (form, True)


def test_of_a_long_body_the_beginning_is_shown_and_that_is_said() -> None:
    assert readable("x" * 11, "utf-8", 10).cut
    assert not readable("x" * 10, "utf-8", 10).cut
    assert len(readable("x" * 11, "base64", 10).text) == 10


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ([], ""),
        (["acme", "globex"], "acme, globex"),
        ("2026-03-02T09:15:30+01:00", "2 March 2026, 08:15:30 UTC"),
        ("2026-03-02 is the day", "2026-03-02 is the day"),
        ({"starts_at": "2026-03-02T09:15:00Z", "ends_at": None}, "2 March 2026, 09:15:00 UTC to an end that nobody knows yet"),
        ({"key": "group-1", "siblings": []}, "group-1"),
        ({"new": 1}, '{"new": 1}'),
    ],
)  # fmt: skip
def test_a_value_is_said_in_words(value: Any, text: str) -> None:
    assert said(value) == text


def test_facts_come_in_order_without_what_is_empty_and_with_what_is_new() -> None:
    derived = {
        "zeta_field": "new", "title": "T", "service": "invoicing", "services": ["invoicing"], "dedup_key": "k",
        "tenants": [], "description": "D", "labels": {"a": "b"},
    }  # fmt: skip
    assert facts(derived) == [
        ("Description", "D"), ("Dedup key", "k"), ("Service", "invoicing"), ("Zeta field", "new"),
    ]  # fmt: skip
    assert ("Services", "invoicing, proofing") in facts({**derived, "services": ["invoicing", "proofing"]})


def test_differences_name_the_field_and_a_trigger_that_is_new() -> None:
    found = changes([("k", "firing", "service", None, "checkout"), ("l", "resolved", "", None, "Shop is down")])
    assert found == [
        Change("k (firing)", "Service", "nothing", "checkout"),
        Change("l (resolved)", "", "nothing", "Shop is down"),
    ]
