"""What Twilio calls back with: SMS that came in, states of messages and calls, and keys that were pressed in a call.

Read by what the form holds, not by the path, so that a webhook that was set at the wrong place at Twilio is still understood.
The fields are those of https://www.twilio.com/docs/messaging/guides/webhook-request,
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status,
https://www.twilio.com/docs/voice/api/call-resource#statuscallback and
https://www.twilio.com/docs/voice/twiml/gather#action.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from twilio.request_validator import HMAC_SHA1, RequestValidator, get_signature_algorithm

from libs.common.errors import Malformed
from services.notifier.domain.addresses import phone
from services.notifier.domain.callback import Callback, Signature, Webhooks, from_words
from services.notifier.domain.press import CERTAIN, pressed
from services.notifier.domain.twilio import CALLS, FOR_GOOD, LOST_CALLS, MESSAGES, explained, is_machine
from services.notifier.sources.base import Arrival, Form, Source, form_of

PROVIDER: Final = "twilio"
SIGNATURE: Final = "x-twilio-signature"
SETTINGS: Final = "x-twilio-webhooks-signature-settings"
VOICE: Final = "/voice"
NEXT: Final = " The recipient's next contact is due."


def read(arrival: Arrival) -> Callback:
    """What the form says. Raises :class:`Malformed` for a form that Twilio does not send."""
    form = form_of(arrival)
    if "CallSid" in form:
        waits = "Digits" in form or (arrival.path.endswith(VOICE) and "CallbackSource" not in form)
        return _press(arrival, form) if waits else _call(arrival, form)
    status = form.get("MessageStatus") or form.get("SmsStatus", "")
    if status and status not in {"received", "receiving"}:
        return _message(arrival, form, status)
    if "Body" in form or status:
        return _sms(form)
    raise Malformed("The form has no CallSid, MessageStatus or Body: that is nothing which Twilio calls back with.")


def verify(arrival: Arrival, address: str, webhooks: Sequence[Webhooks], now: datetime) -> Signature:  # noqa: ARG001 - these never grow old
    """Whether one of our secrets signed it: an auth token, or the shared key that the settings name.

    The signature is over the address as Twilio called it and over the form as it came
    (https://www.twilio.com/docs/usage/webhooks/webhooks-security).
    """
    form = form_of(arrival)
    signature = arrival.headers.get(SIGNATURE, "")
    if not signature:
        return Signature(address, "It has no X-Twilio-Signature.")
    if not webhooks:
        return Signature(address, "No channel of Twilio's is configured, so that there is no secret to check by.")
    settings = arrival.headers.get(SETTINGS, "")
    algorithm = get_signature_algorithm(settings)
    named = dict(part.strip().partition("=")[::2] for part in settings.split(",") if "=" in part)
    secrets: list[str] = []
    for one in webhooks:
        if algorithm.upper() == HMAC_SHA1 and "key" not in named:
            secrets += one.tokens
        elif named.get("key") in one.shared_keys:
            secrets.append(one.shared_keys[named["key"]])
    if not secrets:
        return Signature(address, f"No shared key {named.get('key', '')!r} is configured.")
    if any(bool(RequestValidator(secret).validate(address, form, signature, algorithm)) for secret in secrets):
        return Signature(address, "The signature is Twilio's over this address and body.", holds=True)
    return Signature(address, "The signature is not one of Twilio's over this address and body.")


def _sms(form: Form) -> Callback:
    """An SMS that came in: the human is ``From``."""
    sid = form.demand("MessageSid", "SmsSid", "SmsMessageSid")
    sender = form.demand("From")
    callback = from_words(PROVIDER, sid, "sms", phone(sender) or sender, form.get("Body", ""), None)
    if kind := form.get("OptOutType"):
        said = f"Twilio answers {kind} itself (Advanced Opt-Out), so nothing is left to answer."
        callback = replace(callback, kind="other", action=None, incident=None, reason=said)
    return replace(callback, message=sid)


def _message(arrival: Arrival, form: Form, status: str) -> Callback:
    """The state of a message of ours: the human is ``To``."""
    sid = form.demand("MessageSid", "SmsSid")
    digits = form.get("ErrorCode", "")
    code = int(digits) if digits.isdecimal() and len(digits) < 10 else None
    state = MESSAGES.get(status)
    said = form.get("ErrorMessage") or status
    return Callback(
        provider=PROVIDER,
        kind="status",
        key=f"{sid}:{status}",
        channel="sms",
        reason=f"The message is {status}" + (f" (error {code})." if code else ".") + (NEXT if state == "lost" else ""),
        address=_to(form),
        state=state,
        reported=status,
        lost=FOR_GOOD.get(code or 0, "undelivered") if state == "lost" else None,
        detail=f"{PROVIDER} {code}: {said}" if code else f"{PROVIDER}: {said}",
        link=explained(code) if code else "",
        message=sid,
        attempt=arrival.attempt(),
    )


def _call(arrival: Arrival, form: Form) -> Callback:
    """The state of a call of ours, or who picked it up. That it was ``completed`` says only that somebody heard it."""
    sid = form.demand("CallSid")
    by = form.get("AnsweredBy", "")
    detected = "CallStatus" not in form and bool(by)
    status = "in-progress" if detected else form.demand("CallStatus")
    place = "detected" if detected else form.get("SequenceNumber") or status
    callback = Callback(
        provider=PROVIDER,
        kind="status",
        key=f"{sid}:{place}",
        channel="voice",
        reason=f"The call is {status}" + (f", answered by {by}." if by else "."),
        address=_human(form),
        state=CALLS.get(status),
        reported=status,
        detail=f"{PROVIDER}: {status}",
        message=sid,
        attempt=arrival.attempt(),
    )
    if callback.state in {"answered", "arrived"} and is_machine(by):
        said = f"{callback.reason} That is no human: it counts as not reached.{NEXT}"
        detail = f"{PROVIDER}: voicemail took the call ({by})"
        return replace(callback, state="lost", lost="voicemail", reason=said, detail=detail)
    if callback.state == "answered" and by == "human":
        return replace(callback, state="arrived")
    if status in LOST_CALLS:
        lost, words = LOST_CALLS[status]
        sip = form.get("SipResponseCode", "")
        words = f"{words} (SIP {sip})" if status == "failed" and sip else words
        return replace(callback, lost=lost, detail=f"{PROVIDER}: {words}", reason=f"{callback.reason}{NEXT}")
    if callback.state == "arrived":
        return replace(callback, reason=f"{callback.reason} That acknowledges nothing.")
    return callback


def _press(arrival: Arrival, form: Form) -> Callback:
    """A key that was pressed in a call. In a call of ours the human is the one who was called."""
    sid = form.demand("CallSid")
    words = form.get("Digits", "").strip()
    meant = pressed(words, certain=arrival.asked("step") == CERTAIN)
    return Callback(
        provider=PROVIDER,
        kind="press",
        key=f"{sid}:{meant.action}" if meant.action == "resolve" else sid,
        channel="voice",
        reason=meant.reason,
        action=meant.action,
        address=_human(form),
        words=words,
        state="arrived" if words else None,
        reported=form.get("CallStatus", ""),
        message=sid,
        attempt=arrival.attempt(),
        ask=meant.ask,
    )


def _human(form: Form) -> str:
    """Who is on the phone: whom we called (``outbound-api``, ``outbound-dial``), or who called us."""
    return _to(form) if form.get("Direction", "outbound").startswith("outbound") else _number(form, "From", "Caller")


def _to(form: Form) -> str:
    return _number(form, "To", "Called")


def _number(form: Form, *names: str) -> str:
    value = next((form[name] for name in names if form.get(name)), "")
    return phone(value) or value


SOURCE: Final = Source(PROVIDER, read, verify)
