"""Style sheets, scripts and pictures under names that carry their hash, so that a browser keeps them for a year.

The style sheets are many small files in layers; what a page needs of them is one file when it is served. htmx comes from
the wheel that carries it: the repository holds no third-party script.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

LAYERS: Final = b"@layer reset, tokens, base, layout, components;\n"
SHARED: Final = ("reset.css", "tokens.css", "base.css")
BUNDLES: Final[Mapping[str, tuple[str, ...]]] = {
    "public.css": (*SHARED, "layout-public.css", "components/state.css", "components/days.css", "components/entry.css"),
    "console.css": (
        *SHARED,
        "layout-console.css",
        "components/state.css",
        "components/buttons.css",
        "components/cards.css",
        "components/timeline.css",
        "components/ladder.css",
        "components/sheet.css",
        "components/messages.css",
        "components/raw.css",
        "components/foresight.css",
        "components/lanes.css",
        "components/people.css",
    ),
}
SCRIPTS: Final = ("times.js", "live.js", "days.js", "keys.js", "sheet.js", "once.js", "pulse.js", "preview.js")
CLOCK: Final = "clock.js"
TIMED: Final = frozenset({"times.js", "live.js", "pulse.js"})
"""Scripts that go by the server's clock: it stands before them in their file, since a file's name has a hash and cannot be imported by another."""
HTMX: Final = ("htmx-4.min.js", "ext/hx-sse-4.min.js")
"""Served as one file: htmx begins as soon as it has run, and would pass over an extension whose file comes after that."""

TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
HASH_LENGTH: Final = 12


@dataclass(frozen=True)
class Asset:
    """One file as it is served."""

    media_type: str
    body: bytes
    packed: bytes
    """The same by gzip."""


class Assets:
    """All files, by the name under which they are served."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._served: dict[str, Asset] = {}
        self._urls: dict[str, str] = {}
        for name, body in contents.items():
            stem, _, ending = name.rpartition(".")
            served = f"{stem}.{hashlib.sha256(body).hexdigest()[:HASH_LENGTH]}.{ending}"
            self._served[served] = Asset(TYPES[ending], body, gzip.compress(body, 9, mtime=0))
            self._urls[name] = f"/assets/{served}"

    def url(self, name: str) -> str:
        """Where a page finds a file."""
        return self._urls[name]

    def get(self, served: str) -> Asset | None:
        """The file of a name with its hash."""
        return self._served.get(served)


def load_assets() -> Assets:
    """Read everything once, when the service is built."""
    folder = files("services.statuspage.pages") / "assets"
    contents = {name: LAYERS + b"".join(_read(folder, part) for part in parts) for name, parts in BUNDLES.items()}
    clock = _read(folder, f"js/{CLOCK}")
    contents |= {name: (clock if name in TIMED else b"") + _read(folder, f"js/{name}") for name in SCRIPTS}
    vendor = files("django_htmx") / "static" / "django_htmx"
    contents["htmx.js"] = b";\n".join(_read(vendor, part) for part in HTMX)
    contents["icon.svg"] = _read(folder, "icon.svg")
    return Assets(contents)


def _read(folder: Traversable, path: str) -> bytes:
    return folder.joinpath(*path.split("/")).read_bytes()
