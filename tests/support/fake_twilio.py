"""Twilio on this machine: the Messages and Calls resources as its SDK speaks to them, and callbacks signed as Twilio signs them."""

import base64
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree import ElementTree as ET

import httpx
from twilio.request_validator import RequestValidator

from tests.support.fake_api import Answer, FakeApi, running

ACCOUNT = "AC" + "0" * 32
TOKEN = "an-auth-token"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
CALLS = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
E164 = re.compile(r"\+[1-9]\d{6,14}")
EVENTS = {"initiated", "ringing", "answered", "completed"}


@dataclass(frozen=True)
class Refusal:
    """An error that Twilio answers with, instead of taking the message."""

    status: int
    code: int
    message: str = "refused"
    retry_after: int | str | None = None


@dataclass
class FakeTwilio(FakeApi):
    """What was sent, and how the next requests are answered.

    ``refusals`` are used up one a request, per number in ``refuse_to`` for every one.
    """

    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    """Each with what was asked for beside what Twilio's own record has: ``twiml``, ``asked``."""
    refusals: list[Refusal] = field(default_factory=list)
    refuse_to: dict[str, Refusal] = field(default_factory=dict)

    def taken(self) -> int:
        """How many messages were sent and calls made."""
        return len(self.messages) + len(self.calls)

    def bodies(self, to: str | None = None) -> list[str]:
        """The texts that were taken."""
        return [message["body"] for message in self.messages if to is None or message["to"] == to]

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: str) -> Answer:  # noqa: ARG002 - all of them are the base's
        """What Twilio answers."""
        expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if self.last_authorization != expected:
            return *_error(Refusal(401, 20003, "Authenticate")), []
        parts = urlsplit(target)
        if parts.path not in {MESSAGES, CALLS}:
            return *_error(Refusal(404, 20404, "The requested resource was not found")), []
        if method == "GET" and not self.refusals:
            return 200, self._listed(parts.path, parse_qs(parts.query)), []
        values = parse_qs(body, keep_blank_values=True)
        form = {name: found[0] for name, found in values.items()}
        refusal = self.refusals.pop(0) if self.refusals else self.refuse_to.get(form.get("To", ""))
        if refusal is not None:
            extra = [f"Retry-After: {refusal.retry_after}"] if refusal.retry_after else []
            return *_error(refusal), extra
        if parts.path == MESSAGES:
            return 201, self._taken(form), []
        wrong = _wrong_call(values)
        return (*_error(wrong), []) if wrong else (201, self._called(values), [])

    def _taken(self, form: Mapping[str, str]) -> dict[str, Any]:
        message: dict[str, Any] = {
            "sid": f"SM{len(self.messages):032x}",
            "account_sid": ACCOUNT,
            "to": form["To"],
            "from": form.get("From"),
            "messaging_service_sid": form.get("MessagingServiceSid"),
            "body": form["Body"],
            "status": "queued",
            "direction": "outbound-api",
            "date_created": format_datetime(datetime.now(UTC)),
            "date_sent": None,
            "date_updated": format_datetime(datetime.now(UTC)),
            "num_segments": "1",
            "num_media": "0",
            "api_version": "2010-04-01",
            "error_code": None,
            "error_message": None,
            "price": None,
            "price_unit": "USD",
            "uri": "",
            "subresource_uris": {},
            "status_callback": form.get("StatusCallback"),
        }
        self.messages.append(message)
        return message

    def _called(self, values: Mapping[str, list[str]]) -> dict[str, Any]:
        form = {name: found[0] for name, found in values.items()}
        call: dict[str, Any] = {
            "sid": f"CA{len(self.calls):032x}",
            "account_sid": ACCOUNT,
            "to": form["To"],
            "to_formatted": form["To"],
            "from": form["From"],
            "from_formatted": form["From"],
            "status": "queued",
            "direction": "outbound-api",
            "answered_by": None,
            "api_version": "2010-04-01",
            "caller_name": None,
            "date_created": None,
            "date_updated": None,
            "start_time": None,
            "end_time": None,
            "duration": None,
            "forwarded_from": None,
            "group_sid": None,
            "parent_call_sid": None,
            "phone_number_sid": "PN" + "0" * 32,
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "trunk_sid": None,
            "uri": "",
            "subresource_uris": {},
        }
        self.calls.append(call | {"twiml": form["Twiml"], "asked": dict(values)})
        return call

    def _listed(self, path: str, query: Mapping[str, list[str]]) -> dict[str, Any]:
        name = "messages" if path == MESSAGES else "calls"
        found = [
            {key: value for key, value in one.items() if key not in {"twiml", "asked"}}
            for one in reversed(self.messages if path == MESSAGES else self.calls)
            if all(one[field] in query.get(field.title(), [one[field]]) for field in ("to", "from"))
        ]
        return {name: found, "page": 0, "page_size": 100, "next_page_uri": None, "first_page_uri": "", "uri": ""}


def _wrong_call(values: Mapping[str, list[str]]) -> Refusal | None:
    """What Twilio refuses a call for."""
    form = {name: found[0] for name, found in values.items()}
    text = form.get("Twiml", "")
    rules = (
        (E164.fullmatch(form.get("To", "")), 21211, "The phone number you are attempting to call is not valid."),
        (E164.fullmatch(form.get("From", "")), 21212, "The source phone number provided is not yet verified."),
        ("Twiml" in form or "Url" in form, 21205, "Url parameter is required."),
        (len(text) <= 4000, 21241, "Twiml is too long."),
        ("Twiml" not in form or _is_twiml(text), 12100, "Document parse failure"),
        (EVENTS.issuperset(values.get("StatusCallbackEvent", [])), 21626, "Invalid statusEvents"),
    )
    return next((Refusal(400, code, said) for kept, code, said in rules if not kept), None)


def _is_twiml(text: str) -> bool:
    try:
        return ET.fromstring(text).tag == "Response"  # noqa: S314 - a test's own
    except ET.ParseError:
        return False


def _error(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    more = f"https://www.twilio.com/docs/errors/{refusal.code}"
    return refusal.status, {
        "code": refusal.code,
        "message": refusal.message,
        "more_info": more,
        "status": refusal.status,
    }


@asynccontextmanager
async def running_twilio() -> AsyncIterator[FakeTwilio]:
    """A double that listens on a free port."""
    async with running(FakeTwilio()) as fake:
        yield fake


def signed_headers(
    url: str, form: Mapping[str, str], secret: str = TOKEN, shared_key: str | None = None
) -> dict[str, str]:
    """The headers with which Twilio calls back: an auth token's signature, or a shared key's."""
    algorithm = "HMAC_SHA256" if shared_key else None
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": RequestValidator(secret).compute_signature(url, dict(form), algorithm),
    }
    if shared_key:
        headers["X-Twilio-Webhooks-Signature-Settings"] = f"key={shared_key},algorithm=HMAC_SHA256"
    return headers


def reply_form(sender: str, text: str, sid: str = "SMe287d7109a5a925f182f0e07aaaaaaaa") -> dict[str, str]:
    """The form of an SMS that came in, with every field that Twilio sends."""
    return {
        "ToCountry": "US",
        "ToState": "District Of Columbia",
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "ToCity": "",
        "FromZip": "01022",
        "SmsSid": sid,
        "FromState": "MA",
        "SmsStatus": "received",
        "FromCity": "CHICOPEE",
        "Body": text,
        "FromCountry": "US",
        "To": "+15005550006",
        "ToZip": "",
        "NumSegments": "1",
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "From": sender,
        "ApiVersion": "2010-04-01",
    }


def status_form(sid: str, status: str, to: str, error: tuple[int, str] | None = None) -> dict[str, str]:
    """The form that says what became of a message."""
    form = {
        "ApiVersion": "2010-04-01",
        "MessageStatus": status,
        "SmsSid": sid,
        "SmsStatus": status,
        "From": "+15005550006",
        "To": to,
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
    }
    if error:
        form |= {"ErrorCode": str(error[0]), "ErrorMessage": error[1]}
    return form


def press_form(call: Mapping[str, Any], digits: str) -> dict[str, str]:
    """The form that tells of a key that was pressed in a call of ours."""
    return _call_form(call) | {"msg": "Gather End", "CallStatus": "in-progress", "Digits": digits, "FinishedOnKey": ""}


def call_form(call: Mapping[str, Any], status: str, sequence: int = 0, answered_by: str = "") -> dict[str, str]:
    """The form that says what became of a call."""
    form = _call_form(call) | {
        "CallStatus": status,
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "Timestamp": "Tue, 24 Nov 2026 14:00:41 +0000",
    }
    return form | ({"AnsweredBy": answered_by} if answered_by else {})


def detection_form(call: Mapping[str, Any], answered_by: str) -> dict[str, str]:
    """The form that says who picked up, while the call goes on."""
    return {
        "CallSid": call["sid"],
        "AccountSid": ACCOUNT,
        "AnsweredBy": answered_by,
        "MachineDetectionDuration": "2900",
    }


def _call_form(call: Mapping[str, Any]) -> dict[str, str]:
    return {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "CallSid": call["sid"],
        "Called": call["to"],
        "CalledCity": "",
        "Caller": call["from"],
        "Direction": "outbound-api",
        "From": call["from"],
        "To": call["to"],
    }


async def call_back(client: httpx.AsyncClient, url: str, form: Mapping[str, str], **signing: str) -> httpx.Response:
    """Call ``url`` as Twilio does."""
    return await client.post(url, content=urlencode(form), headers=signed_headers(url, form, **signing))
