"""What Slack posts back, as it is read: like what it really posts, and what nobody here has seen."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import Malformed, Unsupported
from services.notifier.domain.callback import Callback, Webhooks
from services.notifier.domain.slack import takes_answers
from services.notifier.sources.base import FORM, Arrival
from services.notifier.sources.slack import read, verify
from tests.support.fake_slack import OPS, RAFAEL, SIGNING_SECRET, command, signed
from tests.unit.intake.real_bodies import PAYLOADS

ATTEMPT = "01936000-0000-7000-8000-0000000000aa"
NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
PATH = "/v1/callbacks/slack/interactions"
OURS = {"type": "button", "action_id": "tocsin:acknowledge", "value": ATTEMPT, "action_ts": "1.5", "block_id": "b"}
FOREIGN = {"type": "button", "action_id": "a", "value": "click_me_123", "action_ts": "2.5", "block_id": "b"}
PRESS: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": RAFAEL, "team_id": "T1"},
    "container": {"type": "message", "message_ts": "1764000000.000100", "channel_id": OPS},
    "channel": {"id": OPS, "name": "ops"},
    "trigger_id": "1.2.3",
    "response_url": "https://hooks.slack.com/actions/T1/1/x",
    "actions": [OURS],
}


def posted(body: str | bytes, content_type: str = FORM) -> Callback:
    raw = body.encode() if isinstance(body, str) else body
    return read(Arrival.of(PATH, {"Content-Type": content_type}, raw))


def pressed(**changes: Any) -> Callback:
    payload = {name: value for name, value in (PRESS | changes).items() if value is not ...}
    return posted(urlencode({"payload": json.dumps(payload)}))


def test_a_press_is_by_its_presser_about_the_message_of_its_button() -> None:
    found = pressed()
    assert (found.kind, found.action, found.key) == ("press", "acknowledge", f"1.5:{RAFAEL}")
    assert (found.address, found.place, found.attempt) == (RAFAEL, OPS, UUID(ATTEMPT))
    assert (found.message, found.link) == (f"{OPS}/1764000000.000100", "https://hooks.slack.com/actions/T1/1/x")
    assert pressed(actions=[OURS | {"action_id": "tocsin:resolve"}]).action == "resolve"


def test_in_a_thread_the_message_is_the_one_with_the_button() -> None:
    threaded = {**PRESS["container"], "thread_ts": "1763000000.000100"}
    assert pressed(container=threaded).message == f"{OPS}/1764000000.000100"


def test_of_two_actions_ours_counts_and_the_first_is_the_key() -> None:
    found = pressed(actions=[FOREIGN, OURS])
    assert (found.action, found.key) == ("acknowledge", f"2.5:{RAFAEL}")


@pytest.mark.parametrize(
    "button",
    [
        FOREIGN,
        OURS | {"value": "12"},
        OURS | {"value": None},
        OURS | {"action_id": "tocsin:delete"},
        {"type": "static_select", "action_id": "a", "selected_option": {"value": ATTEMPT}, "action_ts": "1.5"},
    ],
)
def test_a_button_of_somebody_else_s_is_called_that(button: dict[str, Any]) -> None:
    found = pressed(actions=[button])
    assert (found.kind, found.action, found.attempt) == ("press", None, None)
    assert "none of Tocsin's" in found.reason
    assert button["action_id"] in found.reason


@pytest.mark.parametrize("kind", ["message_action", "shortcut", "view_submission", "view_closed", "block_suggestion"])
def test_what_else_people_do_with_an_app_asks_nothing(kind: str) -> None:
    found = pressed(type=kind, actions=..., view={"id": "V1", "callback_id": "x"})
    assert (found.kind, found.action) == ("other", None)
    assert kind in found.reason


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"user": ...}, "user.id"),
        ({"user": "U1"}, "user.id"),
        ({"user": {"id": 7}}, "user.id"),
        ({"actions": ...}, "actions"),
        ({"actions": []}, "actions"),
        ({"actions": ["x", None]}, "actions"),
        ({"actions": [{"action_id": "a"}]}, "action_ts"),
    ],
)
def test_what_a_press_cannot_do_without_is_named(changes: dict[str, Any], missing: str) -> None:
    with pytest.raises(Malformed, match=missing):
        pressed(**changes)


def test_a_press_can_do_without_a_channel_a_message_and_an_address_for_answers() -> None:
    found = pressed(channel=..., container={"type": "view", "view_id": "V1"}, response_url=...)
    assert (found.action, found.place, found.message, found.link) == ("acknowledge", "", "", "")
    assert pressed(channel=None).place == OPS


@pytest.mark.parametrize(
    "body",
    ["payload=", "payload=%7B%22type%22", "payload=[]", "payload=7", "x=1", "payload=" + "[" * 100_000, "payload=%ff"],
)
def test_a_payload_that_is_none_is_refused(body: str) -> None:
    with pytest.raises(Malformed):
        posted(body)


def test_a_body_of_another_type_is_refused() -> None:
    with pytest.raises(Unsupported):
        posted("{}", "text/plain")
    with pytest.raises(Malformed):
        posted("{", "application/json")


@pytest.mark.parametrize(
    ("text", "action", "incident"),
    [
        ("ack 12", "acknowledge", 12),
        ("resolve #9", "resolve", 9),
        ("ACK", "acknowledge", None),
        ("help", None, None),
        ("", None, None),
        ("ack 12 please", None, None),
    ],
)
def test_a_command_is_by_whoever_types_it_where_they_do(text: str, action: str | None, incident: int | None) -> None:
    found = posted(command(text, RAFAEL, trigger_id="13345.7"))
    assert (found.kind, found.key, found.address, found.place) == ("command", "13345.7", RAFAEL, OPS)
    assert (found.action, found.incident, found.words) == (action, incident, text)
    assert found.link.startswith("https://hooks.slack.com/commands/")


def test_a_command_without_a_trigger_or_a_user_is_none() -> None:
    fields = dict(parse_qsl(command("ack", RAFAEL)))
    for name in ("trigger_id", "user_id"):
        with pytest.raises(Malformed, match=name):
            posted(urlencode({key: value for key, value in fields.items() if key != name}))


def test_the_handshake_has_a_challenge_and_events_ask_nothing() -> None:
    found = posted('{"type": "url_verification", "challenge": "c", "token": "t"}', "application/json; charset=utf-8")
    assert (found.kind, found.challenge) == ("handshake", "c")
    event = posted('{"type": "event_callback", "event_id": "Ev1", "event": {"type": "message"}}', "application/json")
    assert (event.kind, event.key) == ("other", "Ev1")
    with pytest.raises(Malformed, match="challenge"):
        posted('{"type": "url_verification"}', "application/json")
    assert posted("ssl_check=1&token=t").kind == "other"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(PRESS) + list(OURS)), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(changes=st.dictionaries(st.sampled_from(list(PRESS)), JSON_VALUES, max_size=4))
def test_whatever_a_payload_holds_is_read_or_refused(changes: dict[str, Any]) -> None:
    try:
        found = pressed(**changes)
    except Malformed:
        return
    assert found.kind in {"press", "other"}
    assert found.key


# Signatures ---------------------------------------------------------------------------------------------------------


def held(body: bytes, headers: dict[str, str], *secrets: str, now: datetime = NOW) -> bool:
    webhooks = [Webhooks(secrets)] if secrets else []
    return verify(Arrival.of(PATH, headers, body), f"https://tocsin.example{PATH}", webhooks, now).holds


@pytest.mark.parametrize(("age", "holds"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_signature_lasts_five_minutes_either_way(age: int, holds: bool) -> None:
    assert held(b"a=1", signed("a=1", NOW - timedelta(seconds=age)), SIGNING_SECRET) is holds


def test_any_of_the_secrets_may_have_signed_and_the_bytes_count_as_they_came() -> None:
    headers = signed("a=%41&b=", NOW)
    assert held(b"a=%41&b=", headers, "another", SIGNING_SECRET)
    assert not held(b"a=A&b=", headers, SIGNING_SECRET)
    assert not held(b"a=%41&b=", headers, "another")
    assert not held(b"a=%41&b=", headers)
    assert not held(b"\xff\xfe", headers, SIGNING_SECRET)


@given(timestamp=st.text(max_size=20), signature=st.text(max_size=80))
def test_whatever_stands_in_the_headers_is_no_signature(timestamp: str, signature: str) -> None:
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}
    assert not held(b"a=1", headers, SIGNING_SECRET)


def test_signatures_that_were_really_made_hold() -> None:
    """Slack's own example, and others, where a collection of vectors stands beside the project."""
    file = PAYLOADS / "vectors.json"
    vectors = json.loads(file.read_text()) if file.exists() else {}
    for name, vector in vectors.items():
        if not name.startswith("slack/"):
            continue
        headers = {
            "X-Slack-Request-Timestamp": vector["timestamp"],
            "X-Slack-Signature": vector["signature"],
        }
        then = datetime.fromtimestamp(int(vector["timestamp"]), UTC) + timedelta(minutes=1)
        body = (PAYLOADS / name).read_bytes()
        assert held(body, headers, vector["signing_secret"], now=then), name
        assert not held(body + b" ", headers, vector["signing_secret"], now=then), name
        assert not held(body, headers, vector["signing_secret"], now=then + timedelta(minutes=5)), name


# Where answers go ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "goes"),
    [
        ("https://hooks.slack.com/actions/T1/1/x", True),
        ("https://hooks.slack.com:443/actions/T1/1/x", True),
        ("http://hooks.slack.com/actions/T1/1/x", False),
        ("https://hooks.slack.com.evil.example/x", False),
        ("https://hooks.slack.com@evil.example/x", False),
        ("https://user@hooks.slack.com/x", False),
        ("https://hooks.slack.com:8443/x", False),
        ("https://hooks.slack.com:x/", False),
        ("https://169.254.169.254/latest/meta-data", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_answers_go_to_slack_and_nowhere_else(url: str, goes: bool) -> None:
    assert takes_answers(url, None) is goes
    assert not takes_answers(url, "http://127.0.0.1:9")


def test_in_place_of_slack_answers_go_to_what_is_configured() -> None:
    assert takes_answers("http://127.0.0.1:9/actions/1", "http://127.0.0.1:9")
    assert not takes_answers("http://127.0.0.1:99/actions/1", "http://127.0.0.1:9")
    assert not takes_answers("http://127.0.0.1:9@evil.example/", "http://127.0.0.1:9")
