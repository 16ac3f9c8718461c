"""HTML of mails as plain words: a line for each block, a tab between the cells of a row.

No tree is made. Mails are not by the book, and some are made to keep a parser busy: this reads each letter once.
"""

import html
import re
from dataclasses import dataclass, field
from typing import Final

BLOCKS: Final = frozenset(
    {
        "address", "article", "blockquote", "br", "center", "div", "dd", "dl", "dt", "footer", "form", "h1", "h2", "h3", "h4", "h5",
        "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tbody", "thead", "tr", "ul",
    }
)  # fmt: skip
"""Elements that begin and end a line."""

CELLS: Final = frozenset({"td", "th"})
SILENT: Final = frozenset({"script", "style", "head", "title", "template"})
LINKS: Final = 200
"""Links of a page that are kept."""

COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)|<[!?][^>]*(?:>|\Z)", re.DOTALL)
TAG: Final = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9:-]{0,30})((?:[^<>"']|"[^"<]*"|'[^'<]*'|["'])*)>?""")
HREF: Final = re.compile(r"""\bhref\s?=\s?(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)

SPACE: Final = re.compile(r"[ \r\n\f\v\u00a0]+")
SPACE_RUN: Final = re.compile(r" {2,}")
TABS: Final = re.compile(r"[ \t]*\t[ \t]*")
AROUND: Final = re.compile(r"[ \t]*\n[ \t\n]*")


@dataclass(slots=True)
class Page:
    """What a reader of the page sees."""

    text: str = ""
    links: list[tuple[str, str]] = field(default_factory=list)
    """Addresses with the words that stand on them."""


def page_of(source: str) -> Page:
    """The words and links of a page. Never raises, whatever it is."""
    source = COMMENT.sub(" ", source)
    out: list[str] = []
    links: list[tuple[str, list[str]]] = []
    silent = ""
    linked = False
    at = 0
    for tag in TAG.finditer(source):
        if not silent:
            _say(source[at : tag.start()], out, links if linked else [])
        at = tag.end()
        closes, name = bool(tag[1]), tag[2].lower()
        if silent:
            silent = "" if (closes and name == silent) or name == "body" else silent
        elif name in SILENT and not closes:
            silent = name
        elif name == "a":
            linked = not closes and _linked(tag[3], links)
        if name in BLOCKS:
            out.append("\n")
        elif name in CELLS and closes:
            out.append("\t")
    if not silent:
        _say(source[at:], out, links if linked else [])
    return Page(_tidy("".join(out)), [(href, _tidy("".join(words))) for href, words in links])


def _say(raw: str, out: list[str], links: list[tuple[str, list[str]]]) -> None:
    if raw:
        words = SPACE.sub(" ", html.unescape(raw))
        out.append(words)
        if links:
            links[-1][1].append(words)


def _linked(attributes: str, links: list[tuple[str, list[str]]]) -> bool:
    found = HREF.search(attributes)
    if found is None or len(links) >= LINKS:
        return False
    links.append((html.unescape(found[1] or found[2] or found[3] or "").strip(), []))
    return True


def _tidy(text: str) -> str:
    return AROUND.sub("\n", TABS.sub("\t", SPACE_RUN.sub(" ", text))).strip()
