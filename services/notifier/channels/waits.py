"""How long a provider asks to wait."""

from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """``Retry-After`` in seconds, or as a date by the provider's own clock (RFC 9110, 10.2.3)."""
    value = headers.get("Retry-After", "").strip()
    if value.isdigit():
        return timedelta(seconds=int(value))
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return max(wait, timedelta(0))
