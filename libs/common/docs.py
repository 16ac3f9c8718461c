"""The pages that are generated from code: ``python -m libs.common.docs`` writes them, a test holds them current."""

import inspect
from pathlib import Path
from typing import Final

from libs.common import errors, metrics
from libs.common.bus.base import BusUnavailable
from libs.common.db.session import DatabaseUnavailable
from libs.common.errors import Misconfigured, Rejected, TocsinError
from libs.common.problems import MEDIA_TYPE, TYPE_BASE

DOCS: Final = Path(__file__).parents[2] / "docs"


def every_error() -> tuple[type[TocsinError], ...]:
    """The classes of the error tree that a caller may meet, by status, then by slug."""
    tree = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, TocsinError)]
    met = [kind for kind in tree if kind not in {Rejected, Misconfigured}]
    return tuple(sorted([*met, BusUnavailable, DatabaseUnavailable], key=lambda kind: (kind.status, kind.slug)))


def problems_page() -> str:
    """The content of ``docs/problems.md``."""
    opening = (
        f"Errors over HTTP are problem details (RFC 9457, `{MEDIA_TYPE}`). A problem's `type` is `{TYPE_BASE}` and one of"
        " the names below. `detail` says what to change, `errors` points into the body (`#/alerts/0/status`) or at a"
        " parameter (`#query/limit`), and `instance` is the request's id as the log has it."
    )
    lines = ["# Problems", "", opening, "This page is generated: `python -m libs.common.docs`."]
    for kind in every_error():
        again = (
            "The same request may succeed later (`Retry-After`)."
            if kind.retry
            else "Change it before sending it again."
        )
        if kind is TocsinError:
            meaning, again = "Something went wrong that nobody foresaw.", "Tell us the `instance`."
        else:
            meaning = " ".join((inspect.getdoc(kind) or kind.title).split())
        lines += ["", f"## {kind.slug}", "", f"**{kind.status} {kind.title}** · {meaning} {again}"]
    lines += [
        "",
        "## method-not-allowed",
        "",
        "**405 Method Not Allowed** · `Allow` names the methods that are possible.",
    ]
    lines += ["", "## not-ready", "", "**503 Not ready** · Only at `/readyz`: `checks` says what is missing."]
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Every generated page with its content."""
    return {DOCS / "metrics.md": metrics.render_docs(), DOCS / "problems.md": problems_page()}


def main() -> None:
    """Write all pages."""
    for path, content in pages().items():
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
