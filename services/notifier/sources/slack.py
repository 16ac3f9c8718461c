"""What Slack posts back: buttons that were pressed, slash commands, and the handshake of its Events API.

Read by what the body holds, not by the path, so that an address that was set at the wrong place in the app's settings is still understood.
The fields are those of https://docs.slack.dev/reference/interaction-payloads/block_actions-payload,
https://docs.slack.dev/interactivity/implementing-slash-commands and https://docs.slack.dev/reference/events/url_verification.
Slack posts again what was not answered within three seconds: the keys here are the same then.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from slack_sdk.signature import Clock, SignatureVerifier

from libs.common.errors import Malformed
from services.notifier.domain.blocks import ACTIONS
from services.notifier.domain.callback import Callback, Signature, Webhooks
from services.notifier.domain.reply import Action, parse
from services.notifier.sources.base import Arrival, Form, Source, form_of

PROVIDER: Final = "slack"
SIGNATURE: Final = "x-slack-signature"
TIMESTAMP: Final = "x-slack-request-timestamp"
OLDEST: Final = timedelta(minutes=5)
"""https://docs.slack.dev/authentication/verifying-requests-from-slack."""
JSON: Final = "application/json"


def read(arrival: Arrival) -> Callback:
    """What the body says. Raises :class:`Malformed` for one that Slack does not post."""
    if arrival.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON:
        return _event(_object(arrival.body, "body"))
    form = form_of(arrival)
    if "payload" in form:
        payload = _object(form["payload"].encode(), "payload")
        if _text(payload, "type") == "block_actions":
            return _press(payload)
        kind = _text(payload, "type") or "a payload without a type"
        key = _text(payload, "trigger_id") or _text(payload, "action_ts") or kind
        return _other(key, f"Slack tells of {kind}, which asks nothing of Tocsin.", _text(payload, "user", "id"))
    if "command" in form:
        return _command(form)
    if "ssl_check" in form:
        return _other("ssl_check", "Slack checks the certificate.")
    raise Malformed("The form has neither a payload nor a command.")


def verify(arrival: Arrival, address: str, webhooks: Sequence[Webhooks], now: datetime) -> Signature:
    """Whether one of the signing secrets made it, over the bytes as they came, within five minutes of ``now``."""
    secrets = [secret for one in webhooks for secret in one.tokens]
    problem = (
        _unsigned(arrival, now)
        if secrets
        else "No channel of Slack's is configured, so that there is no secret to check by."
    )
    if problem:
        return Signature(address, problem)
    try:
        body = arrival.body.decode("utf-8")
    except UnicodeDecodeError:
        return Signature(address, "The body is no text.")
    timestamp, signature = arrival.headers[TIMESTAMP], arrival.headers[SIGNATURE]
    verifiers = [SignatureVerifier(secret, _At(now)) for secret in secrets]
    if any([verifier.is_valid(body, timestamp, signature) for verifier in verifiers]):  # noqa: C419 - none is passed over
        return Signature(address, "The signature is Slack's over this timestamp and body.", holds=True)
    sentence = "The signature is not one of Slack's over this timestamp and body: is it the app's signing secret?"
    return Signature(address, sentence)


def _unsigned(arrival: Arrival, now: datetime) -> str:
    """Why there is no signature to check; empty where there is one."""
    timestamp, signature = arrival.headers.get(TIMESTAMP, ""), arrival.headers.get(SIGNATURE, "")
    if not timestamp or not signature:
        return "It has no X-Slack-Signature and X-Slack-Request-Timestamp."
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 13 and signature.isascii()):
        return "The timestamp is no number of seconds, or the signature is none."
    age = abs(now.timestamp() - int(timestamp))
    if age > OLDEST.total_seconds():
        return f"It was signed {age:.0f} s from this clock's time, and Slack's signatures last 5 minutes."
    return ""


class _At(Clock):
    """A clock that shows one moment to Slack's verifier."""

    def __init__(self, moment: datetime) -> None:
        self._seconds = moment.timestamp()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._seconds


def _press(payload: dict[str, Any]) -> Callback:
    """Somebody pressed a button, of ours or of another app's message. The first of ours counts."""
    user = _demand(payload, "user", "id")
    actions = [one for one in _list(payload.get("actions")) if isinstance(one, dict)]
    if not actions:
        raise Malformed("The payload has no actions.")
    ours = next((one for one in actions if _text(one, "action_id") in ACTIONS), actions[0])
    name, value = _text(ours, "action_id"), _text(ours, "value")
    attempt = _id(value)
    action: Action | None = ACTIONS.get(name) if attempt is not None else None
    place = _text(payload, "channel", "id") or _text(payload, "container", "channel_id")
    at = _text(payload, "container", "message_ts") or _text(payload, "message", "ts")
    if action is None:
        reason = f"The button {name!r} with the value {value[:200]!r} is none of Tocsin's: nothing is done."
    else:
        reason = f"The button of a message of Tocsin's asks to {action} its incident."
    return Callback(
        provider=PROVIDER,
        kind="press",
        key=f"{_demand(actions[0], 'action_ts')}:{user}",
        channel="slack",
        reason=reason,
        action=action,
        address=user,
        words=value if action is None else action,
        link=_text(payload, "response_url"),
        message=f"{place}/{at}" if place and at else "",
        attempt=attempt if action else None,
        place=place,
    )


def _command(form: Form) -> Callback:
    """Somebody typed ``/tocsin …``, or another command that leads here."""
    words = form.get("text", "")
    command = parse(words) if words.strip() else None
    if command is None:
        reason = "The words after the command ask for nothing that there is: the usage is told."
    else:
        reason = f"The command asks to {command.action} {command.meant}."
    return Callback(
        provider=PROVIDER,
        kind="command",
        key=form.demand("trigger_id"),
        channel="slack",
        reason=reason,
        action=command.action if command else None,
        incident=command.number if command else None,
        address=form.demand("user_id"),
        words=words,
        link=form.get("response_url", ""),
        place=form.get("channel_id", ""),
    )


def _event(body: dict[str, Any]) -> Callback:
    """The handshake by which Slack tries an address of its Events API, or an event, none of which is asked for."""
    if _text(body, "type") != "url_verification":
        kind = _text(body, "event", "type") or _text(body, "type") or "an event without a type"
        return _other(_text(body, "event_id") or kind, f"Slack tells of {kind}, which asks nothing of Tocsin.")
    return Callback(
        provider=PROVIDER,
        kind="handshake",
        key="url_verification",
        channel="slack",
        reason="Slack tries the address; its challenge is sent back.",
        challenge=_demand(body, "challenge"),
    )


def _other(key: str, reason: str, user: str = "") -> Callback:
    return Callback(provider=PROVIDER, kind="other", key=key, channel="slack", reason=reason, address=user)


def _object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"The {what} is no JSON.") from error
    if not isinstance(value, dict):
        raise Malformed(f"The {what} should be a JSON object.")
    return value


def _text(value: Any, *names: str) -> str:
    """The text under ``names``; empty where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _demand(value: Any, *names: str) -> str:
    if found := _text(value, *names):
        return found
    raise Malformed(f"The payload has no {'.'.join(names)}.")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


SOURCE: Final = Source(PROVIDER, read, verify)
