"""Apprise: what its JSON target (``json://``) posts, so that every tool that knows Apprise can reach Tocsin."""

from typing import Any, Final

from services.intake.domain.dedup import hash_of_words
from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, Source
from services.intake.sources.common import COMMON, CommonOptions, Part, Told, ignored, needed, reads_one, trigger_of

SEVERITIES: Final = {"failure": "critical", "warning": "warning", "success": "info"}


def _one(look: Look, arrival: Arrival[CommonOptions]) -> Part:
    kind = needed(look, "type").lower()
    title, message = look.text("title"), look.text("message", "body")
    if kind == "info":
        return ignored("no-news", "A message of the type info opens nothing; failure and warning do.", look.at("type"))
    key = look.text("dedup_key", "key")
    told = Told(
        key=key or hash_of_words("title", [title or needed(look, "message", "body", "title")]),
        firing=kind != "success",
        title=title or message,
        description=message,
        severity=SEVERITIES.get(kind, kind),
        services=look.texts("service"),
        tenants=look.texts("tenant"),
        labels={"type": kind},
    )
    return trigger_of(told, arrival)


DOCS = f"""
Everything that notifies through [Apprise](https://github.com/caronc/apprise) can notify Tocsin.

## Set it up

```sh
apprise -t "The approval queue is stuck" -b "1,204 approvals are waiting." -n failure \\
  "jsons://intake.example.org/v1/hooks/apprise/YOUR-KEY"
```

`json://` is HTTP, `jsons://` is HTTPS. A header instead of the key in the address: `?+X-Tocsin-Key=YOUR-KEY`. Further fields: `?:service=approvals&:key=queue`.

## What is read

| Tocsin | from the body |
|---|---|
| status | `type`: failure and warning fire, success resolves, info opens nothing |
| severity | failure is critical, warning is warning |
| dedup key | `key`, else a hash of `title` |
| title, description | `title`, `message` |
| service, tenants | `service`, `tenant` |

For success to resolve what failure began, both need the same title or the same `key`.

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "version": "1.0",
    "title": "The approval queue is stuck",
    "message": "1,204 approvals are waiting.",
    "attachments": [],
    "type": "failure",
    "service": "approvals",
}

SOURCE: Final = Source(
    name="apprise",
    title="Apprise",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=reads_one(_one, form=True),
)
