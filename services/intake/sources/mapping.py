"""Any JSON at all, mapped to our fields by JMESPath (https://jmespath.org)."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, Field

from libs.common.events.base import Severity
from services.intake.domain.look import Look, text_of
from services.intake.domain.trigger import Reading, Refusal
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.common import (
    COMMON,
    CommonOptions,
    Part,
    Told,
    gathered,
    ignored,
    refused,
    trigger_of,
    value_of,
)

compiled = lru_cache(maxsize=1_000)(jmespath.compile)


def _expression(text: str) -> str:
    try:
        compiled(text)
    except JMESPathError as error:
        raise ValueError(f"{text!r} is no JMESPath expression: {str(error).splitlines()[0]}") from error
    return text


Expression = Annotated[str, AfterValidator(_expression)]


class MappingOptions(CommonOptions):
    """Where in the body what is. Every field is a JMESPath expression; those that hold nothing are left away."""

    each: Expression = "@"
    """The alerts of a body: an array, of which each element is one, or one alert. The other expressions look into it."""
    only: Expression | None = None
    """Where it is false or holds nothing, the alert opens nothing."""
    key: Expression = "dedup_key || key || id"
    title: Expression = "title || summary || name || message"
    status: Expression = "status || state"
    resolved: tuple[str, ...] = ("resolved", "ok", "closed", "recovered", "up", "cleared", "normal", "false", "0")
    """The values of ``status`` that resolve, in whatever case; all others fire."""
    description: Expression = "description || details"
    severity: Expression = "severity || priority || level"
    severities: dict[str, Severity] = Field(default_factory=dict)
    """From the sender's words to ours, before the usual ones are looked at."""
    names: Expression = "service || services"
    """The service, or an array of some."""
    tenant: Expression = "tenant || tenants"
    tool: Expression = "tool"
    reporter: Expression = "reporter"
    link: Expression = "link || url"
    labels: Expression = "labels || tags"
    """An object."""
    started: Expression = "started_at || timestamp || time"
    ended: Expression = "ended_at"


def read(arrival: Arrival[MappingOptions]) -> Reading:
    """The triggers of a body, by the integration's expressions."""
    try:
        look = value_of(arrival, form=True)
        return gathered(_parts(look, arrival.integration.options), _one, arrival)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))


def _parts(look: Look, options: MappingOptions) -> Iterator[Look]:
    found = _search(options.each, look)
    if isinstance(found, list):
        return Look(found).each()
    if found is None:
        raise CannotRead(Refusal("wrong-shape", f"The expression each ({options.each}) finds nothing in the body."))
    return iter([Look(found)])


def _search(expression: str, look: Look) -> Any:
    """What the expression finds. Raises :class:`CannotRead` where it cannot be applied to what the sender wrote."""
    try:
        return compiled(expression).search(look.value)
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        sentence = f"The expression {expression!r} cannot be applied: {error}"
        raise refused("invalid-field", sentence, look) from error


def _one(look: Look, arrival: Arrival[MappingOptions]) -> Part:
    options = arrival.integration.options
    if options.only is not None and not _search(options.only, look):
        return ignored("no-news", f"The expression only ({options.only}) passes this over.", look)

    def text(expression: str) -> str:
        return text_of(_search(expression, look))

    def found(expression: str) -> Look:
        return Look({"it": _search(expression, look)})

    key, title = text(options.key), text(options.title)
    if not key and not title:
        sentence = f"Neither key ({options.key}) nor title ({options.title}) finds anything."
        raise refused("missing-field", sentence, look)
    severity = text(options.severity)
    told = Told(
        key=key or title,
        firing=text(options.status).lower() not in {word.lower() for word in options.resolved},
        title=title,
        description=text(options.description),
        severity=options.severities.get(severity, severity),
        services=found(options.names).texts("it"),
        tenants=found(options.tenant).texts("it"),
        tool=text(options.tool),
        reporter=text(options.reporter),
        links=[(link, "Source") for link in found(options.link).texts("it")],
        labels=found(options.labels).facts("it"),
        started_at=found(options.started).moment("it"),
        ended_at=found(options.ended).moment("it"),
    )
    return trigger_of(told, arrival)


DOCS = f"""
For every sender that posts JSON and has no source of its own: say where in its body what is, with [JMESPath](https://jmespath.org) expressions. Forms
are read too, as objects of texts.

## Set it up

```yaml
integrations:
  - id: kiosk
    name: Kiosks
    source: mapping
    options:
      each: "events"
      only: "kind == 'alarm'"
      key: "join('/', [site, device])"
      title: "join(' ', ['Kiosk', device, 'at', site, 'is', state])"
      status: "state"
      resolved: [online]
      severity: "priority"
      severities: {{"1": critical, "2": error}}
      names: "system"
      services: {{kiosk-os: kiosks}}
      link: "links[0].href"
      started: "since"
    key: {{env: TOCSIN_KEY_KIOSK}}
```

Let the sender post to `https://intake.example.org/v1/hooks/mapping/YOUR-KEY`, and try bodies out with `POST /v1/integrations/kiosk/preview`: it shows
the triggers that they would become, stores nothing and pages nobody.

## What is read

| option | what it finds | without it |
|---|---|---|
| `each` | an array of alerts, or one | the body; if that is an array, its elements |
| `only` | false or nothing: the alert opens nothing | every alert counts |
| `key` | the dedup key | `dedup_key`, `key` or `id`, else the title |
| `title`, `description` | texts | `title`, `summary`, `name` or `message`; `description` or `details` |
| `status` | a word; those of `resolved` resolve, all others fire | `status` or `state` |
| `severity` | a word, looked up in `severities`, then among the usual ones | `severity`, `priority` or `level` |
| `names`, `tenant` | one or several; `services` maps names to ids | `service`, `tenant` |
| `tool`, `reporter`, `link`, `labels` | | fields of the same name; `url`, `tags` |
| `started`, `ended` | ISO 8601, or seconds or milliseconds since 1970 | `started_at`, `timestamp` or `time`; `ended_at` |

## Options

Those above, and: {COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "id": "approvals/queue",
    "status": "firing",
    "severity": "critical",
    "title": "The approval queue has not moved for 12 minutes",
    "service": "approvals",
    "tenant": "northwind",
    "url": "https://dashboards.example.org/approvals",
    "timestamp": "2026-03-02T09:15:00Z",
}

SOURCE: Final = Source(
    name="mapping",
    title="Any JSON, mapped by expressions",
    kind="telemetry",
    docs=DOCS,
    options=MappingOptions,
    example=EXAMPLE,
    read=read,
)
