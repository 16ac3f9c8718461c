"""Addresses as the channels need them: phone numbers in E.164, e-mail addresses that can be written to, Slack's ids."""

import re
from typing import Final

from libs.common.slack_ids import slack_id

_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_PUNCTUATION: Final = re.compile(r"[\s().\-/\u00a0]")
_MAILBOX: Final = re.compile(r"[^\s@<>,;:\"\[\]()\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")

PHONES: Final = frozenset({"sms", "voice"})


def phone(text: str) -> str | None:
    """``text`` as an E.164 number (ITU-T E.164: ``+``, country code, at most 15 digits); ``None`` where it is none.

    National forms are refused, since nothing says of which country they are.
    """
    digits = _PUNCTUATION.sub("", text.strip().removeprefix("tel:").replace("(0)", ""))
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return digits if _E164.fullmatch(digits) else None


def mailbox(text: str) -> str | None:
    """``text`` as an e-mail address with its domain in lower case; ``None`` where it is none."""
    address = text.strip().removeprefix("mailto:")
    if len(address) > 254 or not _MAILBOX.fullmatch(address) or ".." in address:
        return None
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"


def normal(channel: str, address: str) -> str | None:
    """The address in the one form that this channel sends to and compares by; ``None`` where it is of no use."""
    if channel in PHONES:
        return phone(address)
    if channel == "email":
        return mailbox(address)
    if channel == "slack":
        return slack_id(address)
    return address.strip() or None
