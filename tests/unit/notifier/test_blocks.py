"""A message in Slack: what it says, and that it never breaks a limit or rings somebody whom it should not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events.base import Link
from services.notifier.domain.blocks import after_press, blocks, done, state, with_buttons
from services.notifier.domain.wording import Places, Wording, word
from tests.support.fake_slack import wrong_with
from tests.unit.notifier.requests import NOW, client, incident, person, request

PLACES = Places(incident="https://tocsin.example/console/incidents/{number}", public="https://tocsin.example")


def page(**changes: Any) -> Wording:
    return replace(word(request("page", person()), person(), PLACES, NOW), **changes)


def said(message: list[dict[str, Any]]) -> str:
    """Everything that stands in the blocks, one line each."""
    lines = []
    for block in message:
        texts = [block["text"]] if "text" in block else block.get("fields", []) or block["elements"]
        lines += [str(one["text"]["text"] if isinstance(one["text"], dict) else one["text"]) for one in texts]
    return "\n".join(lines)


def test_a_page_says_what_why_and_where_and_asks() -> None:
    message = with_buttons(
        blocks(page(checks=(Link(href="https://grafana.example/d/1", text="The <graph>"),))), "key", 12
    )
    assert [block["type"] for block in message] == ["header", "section", "section", "section", "actions", "context"]
    text = said(message)
    assert text.splitlines()[0] == "[#12] Checkout is down - P1 page"
    assert "*You are needed: the incident just opened.*" in text
    assert "<https://tocsin.example/console/incidents/12|Open #12>" in text
    assert "• <https://grafana.example/d/1|The &lt;graph&gt;>" in text
    assert "Sent to Rafael as the one on shift, rung 1 (First to hear)." in text
    assert [(one["action_id"], one["value"]) for one in message[-2]["elements"]] == [
        ("tocsin:acknowledge", "key"),
        ("tocsin:resolve", "key"),
    ]


def test_what_others_wrote_rings_nobody_and_formats_nothing() -> None:
    hostile = "<!channel> & <https://evil.example|our bank> @here"
    shown = incident(title=hostile, description=hostile)
    wording = word(request("update", person(), words=hostile, incident=shown), person(), PLACES, NOW)
    message = blocks(wording)
    [_, words, *_] = message
    assert words["text"]["text"] == "&lt;!channel&gt; &amp; &lt;<https://evil.example>|our bank&gt; @here"
    marked = [
        one
        for block in message[1:]
        for one in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
    ]
    assert all(one["verbatim"] for one in marked if one)
    assert "<!channel>" not in said(message[1:])


def test_a_client_sees_no_console() -> None:
    message = blocks(word(request("update", client(), words="We are on it."), client(), PLACES, NOW))
    assert "console" not in said(message)
    assert "We are on it." in said(message)


def test_a_link_that_is_none_of_the_web_cannot_be_pressed() -> None:
    message = blocks(
        page(checks=(Link(href="javascript:alert(1)", text="Look"), Link(href="https://x.example/a|b>", text="x")))
    )
    assert "• Look javascript:alert(1)" in said(message)
    assert "<https://x.example" not in said(message)


TEXT = st.text(alphabet=st.sampled_from("ab &<>\n|*https://x."), max_size=4000)


@given(title=TEXT, words=TEXT, fact=TEXT, links=st.lists(TEXT, max_size=4))
def test_every_limit_is_kept_whatever_was_written(title: str, words: str, fact: str, links: list[str]) -> None:
    wording = page(
        headline=title,
        lead=title,
        words=words,
        late=words,
        why=title,
        facts=tuple(("Fact", fact) for _ in range(14)),
        checks=tuple(Link(href=f"https://x.example/{text}", text=text) for text in links),
    )
    assert wrong_with(with_buttons(blocks(wording), "k", 7)) is None


def test_long_words_break_between_words_and_lose_nothing_that_fits() -> None:
    words = " ".join(f"word{number} & more" for number in range(900))
    sections = [one["text"]["text"] for one in blocks(page(lead="", words=words, facts=(), link=""))[1:-1]]
    assert len(sections) > 2
    assert " ".join(sections).replace("&amp;", "&") == words


@pytest.mark.parametrize(("action", "left"), [("acknowledge", ["tocsin:resolve"]), ("resolve", [])])
def test_after_a_press_the_message_says_who_and_asks_for_what_is_left(action: Any, left: list[str]) -> None:
    before = with_buttons(blocks(page()), "key", 12)
    after = after_press(before, action, done(action, "Ann <3", NOW))
    word_for = {"acknowledge": "Acknowledged", "resolve": "Resolved"}[action]
    assert f"{word_for} by Ann &lt;3, 14:00 UTC" in said(after)
    assert state(after) == f"{word_for} by Ann <3, 14:00 UTC"
    assert state(before) == ""
    assert [one["action_id"] for block in after if block["type"] == "actions" for one in block["elements"]] == left
    assert wrong_with(after) is None
