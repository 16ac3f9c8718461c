"""HTML of mails as plain words: a line for each block, a tab between the cells of a row."""

import re
from typing import Final

from bs4 import BeautifulSoup
from bs4.element import Comment, NavigableString, Tag
from bs4.exceptions import ParserRejectedMarkup

BLOCKS: Final = frozenset(
    {
        "address", "article", "blockquote", "br", "center", "div", "dd", "dl", "dt", "footer", "form", "h1", "h2", "h3", "h4", "h5",
        "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tbody", "thead", "tr", "ul",
    }
)  # fmt: skip
"""Elements that begin and end a line."""

CELLS: Final = frozenset({"td", "th"})
SILENT: Final = frozenset({"script", "style", "head", "title", "template"})
NODES: Final = 20_000
"""Pieces of a page that are read."""

SPACE: Final = re.compile(r"[ \r\n\f\v\u00a0]+")
SPACE_RUN: Final = re.compile(r" {2,}")
AROUND: Final = re.compile(r"[ \t]*\n[ \t\n]*")
TABS: Final = re.compile(r" *\t[ \t]*")


def soup_of(page: str) -> BeautifulSoup | None:
    """The page as a tree; ``None`` where it cannot be parsed."""
    try:
        return BeautifulSoup(page, "html.parser")
    except (ParserRejectedMarkup, RecursionError, ValueError, AssertionError):
        # Python's own parser says so by an assertion in some versions
        return None


def text_of_html(page: str) -> str:
    """The words that a reader of the page sees. Iterative, so that no nesting is too deep."""
    soup = soup_of(page)
    if soup is None:
        return ""
    out: list[str] = []
    pending: list[Tag | NavigableString | str] = [soup]
    seen = 0
    while pending and seen < NODES:
        seen += 1
        node = pending.pop()
        if isinstance(node, NavigableString):
            if not isinstance(node, Comment):
                out.append(SPACE.sub(" ", str(node)))
        elif isinstance(node, str):
            out.append(node)
        elif node.name not in SILENT:
            edge = "\n" if node.name in BLOCKS else ""
            after = "\t" if node.name in CELLS else edge
            children = [child for child in node.children if isinstance(child, Tag | NavigableString)]
            pending.append(after)
            pending += reversed(children)
            out.append(edge)
    words = TABS.sub("\t", "".join(out))
    return AROUND.sub("\n", SPACE_RUN.sub(" ", words)).strip()


def links_of(page: str) -> list[tuple[str, str]]:
    """The addresses of the page's links, with their words."""
    soup = soup_of(page)
    if soup is None:
        return []
    anchors = soup.find_all("a", href=True, limit=200)
    return [(str(anchor["href"]).strip(), SPACE.sub(" ", anchor.get_text()).strip()) for anchor in anchors]
