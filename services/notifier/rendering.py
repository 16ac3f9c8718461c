"""Lays a :class:`~services.notifier.domain.wording.Wording` out with the templates of this package."""

import re
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from jinja2 import PackageLoader, StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

from libs.common.events.base import TICKET
from services.notifier.domain.blocks import Block, blocks
from services.notifier.domain.segments import measure, plain
from services.notifier.domain.speech import LONGEST_TITLE, digits, ear, slowly
from services.notifier.domain.wording import Wording

_SPACES: Final = re.compile(r"\s+")
_BLANKS: Final = re.compile(r"\n{3,}")
_PAUSE: Final = re.compile(r"([!?:]|\.{3})\.+(?=\s|$)")
"""A template's full stop after a title that ends a sentence of its own."""

SHORT_TITLE: Final = 24
"""A title is never cut below this: fewer characters say nothing."""
LONG_TITLE: Final = 60
"""Beside a person's own words a title takes no more than this."""
SMS_PARTS: Final = 3
"""What informs may take so many parts; a page takes one wherever its title allows."""


@dataclass(frozen=True)
class Rendered:
    """A message as it goes out. ``html`` is empty for channels that carry no mail."""

    headline: str
    text: str
    html: str = ""
    blocks: list[Block] | None = None
    """For Slack alone."""


def _is_web(href: str) -> bool:
    """Whether a link may stand behind ``href``: nothing but the web, since titles and links come from outside."""
    return href.startswith(("https://", "http://"))


class Renderer:
    """The package's templates, in a sandbox; HTML is escaped, plain text is not."""

    def __init__(self) -> None:
        self._environment = SandboxedEnvironment(
            loader=PackageLoader("services.notifier"),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"is_web": _is_web, "digits": digits, "slowly": slowly}
        for name in self._environment.list_templates(extensions=("txt", "html")):
            self._environment.get_template(name)

    def render(self, channel: str, wording: Wording) -> Rendered:
        """``wording`` as a message of ``channel``: short text for ``sms``, words for the ear for ``voice``, a comment for a ticket, text and
        blocks for ``slack``, text and HTML for everything else.
        """
        if channel == "sms":
            return Rendered(wording.headline, self._sms(wording))
        if channel == "voice":
            return Rendered(wording.headline, self._voice(wording))
        values = _values(wording)
        if channel.startswith(TICKET):
            comment = self._environment.get_template("ticket/comment.txt").render(values)
            return Rendered(wording.headline, _BLANKS.sub("\n\n", comment).strip() + "\n")
        text = self._environment.get_template("email/message.txt").render(values)
        if channel == "slack":
            return Rendered(wording.headline, _BLANKS.sub("\n\n", text).strip() + "\n", blocks=blocks(wording))
        html = self._environment.get_template("email/message.html").render(values)
        return Rendered(wording.headline, _BLANKS.sub("\n\n", text).strip() + "\n", html)

    def _voice(self, wording: Wording) -> str:
        """What is read out, its title shortened so that a person's words are heard to their end."""
        name = "verification" if wording.purpose == "verification" else "message"
        spoken = wording.shortened(ear(wording.title, LONGEST_TITLE), ear(wording.words))
        if wording.code:
            spoken = replace(spoken, lead=spoken.lead.replace(wording.code, slowly(wording.code)))
        return ear(self._environment.get_template(f"voice/{name}.txt").render(_values(spoken)))

    def _sms(self, wording: Wording) -> str:
        """The text, its title shortened until it fits: one part for a page, a few for what informs."""
        template = self._environment.get_template(f"sms/{wording.purpose}.txt")
        limit = 1 if wording.purpose == "page" else SMS_PARTS
        title, words = (plain(_SPACES.sub(" ", text).strip()) for text in (wording.title, wording.words))
        if words:
            title = _cut(title, LONG_TITLE)
        text = _compact(template, wording.shortened(title, words))
        while measure(text).segments > limit and len(words) > SHORT_TITLE:
            words = _cut(words, len(words) - 8)
            text = _compact(template, wording.shortened(title, words))
        while not words and measure(text).segments > 1 and len(title) > SHORT_TITLE:
            title = _cut(title, len(title) - 4)
            text = _compact(template, wording.shortened(title, words))
        return text


def _compact(template: Template, wording: Wording) -> str:
    text = _SPACES.sub(" ", plain(template.render(_values(wording)))).strip()
    return _PAUSE.sub(r"\1", text)


def _cut(text: str, length: int) -> str:
    """``text`` with at most ``length`` characters, its end marked where it was cut."""
    return text if len(text) <= length else text[: length - 3].rstrip(" .") + "..."


def _values(wording: Wording) -> dict[str, Any]:
    return {field.name: getattr(wording, field.name) for field in fields(wording)}
