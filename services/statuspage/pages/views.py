"""Renders the templates. They are handed data and ``now``; what a time or a reference says comes from the domain."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from services.statuspage.domain import reasons, record, words
from services.statuspage.pages.assets import Assets


@dataclass(frozen=True)
class Pace:
    """How the browser keeps the server's time: what time it is there, and how fast it passes."""

    now: datetime
    speed: float

    @property
    def attribute(self) -> str:
        """For the page: the instant and the speed."""
        return f"{iso(self.now)} {self.speed:g}"


class Views:
    """The templates of the service."""

    def __init__(self, assets: Assets, title: str) -> None:
        self._jinja = Environment(
            loader=PackageLoader("services.statuspage.pages", "templates"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._jinja.globals.update(asset=assets.url, site=title)
        self._jinja.filters.update(
            iso=iso,
            moment=words.moment,
            relative=words.relative,
            span=words.span,
            short_span=words.short_span,
            since=since,
            utc=words.utc_time,
            date=words.date_text,
            listed=words.listed,
            cap=words.capital,
            counted=words.counted,
            slug=words.from_slug,
            attempt=reasons.of_attempt,
            channel=record.channel,
            reference=words.reference,
            web=web,
        )

    def render(self, template: str, pace: Pace, values: Mapping[str, Any]) -> str:
        """One page or fragment."""
        return self._jinja.get_template(template).render(now=pace.now, pace=pace, **values)


def iso(at: datetime) -> str:
    """For ``<time datetime>``: to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def since(at: datetime, now: datetime) -> str:
    """How long something lasts, for a narrow column."""
    return words.short_span(now - at)


def web(address: str) -> str:
    """An address to link to; what is no web address leads nowhere."""
    return address if address.startswith(("https://", "http://")) else "#"
