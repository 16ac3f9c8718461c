"""AWS Health through EventBridge, right from it or by way of an SNS topic: what AWS says of its services and of your own resources there.

Dates are RFC 1123, and their weekdays are not always right; an event may be open and over at once, when its text says so.
"""

import re
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from libs.common.events.base import Severity
from services.intake.domain.look import Look
from services.intake.domain.trigger import Ignored, Reading
from services.intake.sources.base import Arrival, CannotRead, Network, Source
from services.intake.sources.common import ignored, needed, refused, value_of
from services.intake.sources.feeds import moment_of_mail
from services.intake.sources.sns import TOPICS, SnsOptions, check, confirm, is_envelope, once, step_of
from services.intake.sources.watched import WATCHED, Notice, WatchedOptions, reading_of, window_of

CONSOLE: Final = "https://health.aws.amazon.com/health/home#/event-log?eventID="
RESOLVED: Final = re.compile(r"\[\s*resolved\s*\]", re.IGNORECASE)
ISSUES: Final = frozenset({"issue", "investigation"})


class HealthOptions(SnsOptions, WatchedOptions):
    """Which parts of AWS concern us, and which topics may send."""


def _read(arrival: Arrival[HealthOptions]) -> Reading:
    try:
        look = value_of(arrival)
        if is_envelope(look):
            step = step_of(look, arrival)
            if step is not None:
                return Reading(ignored=(step,))
            look = look.opened("Message")
        elif arrival.integration.options.topics:
            raise refused("wrong-shape", "The option topics is set, and this did not come through SNS.", look)
        return read_event(look, arrival)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))


def is_health(event: Look) -> bool:
    """Whether an event of EventBridge is one of AWS Health."""
    return event.text("source").lower() == "aws.health" or bool(event.text("detail.eventArn"))


def read_event(event: Look, arrival: Arrival[Any]) -> Reading:
    """What an event of AWS Health says, which is trouble of a provider whatever else its integration sends. Raises :class:`CannotRead`."""
    detail = event.at("detail")
    if not event.is_object() or not detail.is_object():
        raise refused("wrong-shape", "The body needs a detail, as events of EventBridge have it.", detail)
    needed(detail, "eventArn")
    passed = _passed_over(detail)
    if passed is not None:
        return Reading(ignored=(passed,))
    if arrival.integration.kind == "telemetry":
        arrival = replace(arrival, integration=replace(arrival.integration, kind=None))
    return reading_of([_notice(detail, arrival)], arrival)


async def _check(arrival: Arrival[HealthOptions], network: Network) -> None:
    """Believe of what comes through SNS only what it signed; what EventBridge posts itself bears no signature."""
    try:
        enveloped = is_envelope(value_of(arrival))
    except CannotRead:
        return
    if enveloped:
        await check(arrival, network)


def _passed_over(detail: Look) -> Ignored | None:
    if detail.text("backupEvent").lower() == "true":
        return ignored("no-news", "A copy for the backup region of what came already.", detail.at("backupEvent"))
    if detail.text("page").strip("0") not in ("", "1"):
        return ignored("no-news", "A further page of the resources that are concerned.", detail.at("page"))
    if detail.text("eventTypeCategory").lower() == "accountnotification" and not _to_be_done(detail):
        return ignored("no-news", "A notification that asks for nothing.", detail.at("eventTypeCategory"))
    return None


def _notice(detail: Look, arrival: Arrival[WatchedOptions]) -> Notice:
    category, code = detail.text("eventTypeCategory").lower(), detail.text("eventTypeCode")
    text = next((words for one in detail.each("eventDescription") if (words := one.text("latestDescription"))), "")
    text = text or detail.text("eventDescription.latestDescription", "eventDescription")
    started, ended = moment_of_mail(detail.text("startTime")), moment_of_mail(detail.text("endTime"))
    issue = category in ISSUES
    over = detail.text("statusCode").lower() == "closed" or (ended is not None and ended <= arrival.now)
    first = next((line for line in text.splitlines() if line.strip()), "")
    service, region = detail.text("service"), detail.text("eventRegion")
    severity: Severity = "error" if issue else "warning" if _to_be_done(detail) else "info"
    entities = [name for one in detail.each("affectedEntities") if (name := one.text("entityValue"))]
    return Notice(
        key=needed(detail, "eventArn"),
        firing=not (over or (issue and RESOLVED.search(text))),
        title=f"{code}: {first}" if issue and first else code or first,
        description=text,
        severity=severity,
        provider="aws",
        parts=[name for name in (service,) if name],
        names=[service, region, code, *entities],
        maintenance=category == "scheduledchange",
        window=window_of(started, ended) if category == "scheduledchange" else None,
        link=CONSOLE + quote(detail.text("eventArn"), safe=":/"),
        labels={
            "region": region,
            "state": detail.text("statusCode"),
            "incident_id": detail.text("eventArn"),
            "account": detail.text("affectedAccount"),
            "scope": detail.text("eventScopeCode"),
            "resources": ", ".join(entities[:20]),
        },
        started_at=started,
        ended_at=ended,
    )


def _to_be_done(detail: Look) -> bool:
    return detail.text("actionability").upper() == "ACTION_REQUIRED"


DOCS: Final = f"""
AWS Health tells EventBridge of trouble of AWS itself, of planned changes, and of your own resources.

## Set it up

1. *EventBridge → API destinations → Create*: endpoint `https://intake.example.org/v1/hooks/aws_health`, method POST, and a connection of the type
   *API key* with the name `X-Api-Key` and the integration's key as value.
2. *Rules → Create*: event pattern `{{"source": ["aws.health"]}}`, target that API destination. AWS Health tells each region's bus of that region's events, and
   that of a backup region once more; those copies are known by `backupEvent` and passed over.

Or by way of an SNS topic as the rule's target: name it in the option `topics`, and subscribe `https://intake.example.org/v1/hooks/aws_health/YOUR-KEY` to it.
SNS's signature is verified and the subscription confirmed, as for [CloudWatch](cloudwatch.md). With `topics` nothing but what they send is taken.

## What is read

| Tocsin | from `detail` |
|---|---|
| dedup key | `eventArn` |
| status | `statusCode` closed, an `endTime` that is past, or `[RESOLVED]` in the text of an issue resolve |
| title | `eventTypeCode`, of an issue with the first line of the text |
| severity | an issue is error; what says `ACTION_REQUIRED` is warning; everything else is info |
| components | `service`, `eventRegion` and the `affectedEntities`, through the mapping: `"EC2 + eu-west-1"` |
| window | of a `scheduledChange` `startTime` to `endTime` |
| labels | `region`, `state`, `incident_id` (the ARN), `account`, `scope`, `resources` |
| link | the event in the AWS Health dashboard |

Account notifications that ask for nothing open nothing, and neither do further pages of one event's resources.

## Options

{TOPICS} {WATCHED}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "AWS Health Event",
    "source": "aws.health",
    "time": "2026-03-02T09:05:00Z",
    "region": "eu-west-1",
    "detail": {
        "eventArn": "arn:aws:health:eu-west-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/AWS_EC2_OPERATIONAL_ISSUE_7f35c8ae",
        "service": "EC2",
        "eventTypeCode": "AWS_EC2_OPERATIONAL_ISSUE",
        "eventTypeCategory": "issue",
        "eventScopeCode": "PUBLIC",
        "startTime": "Mon, 02 Mar 2026 09:01:00 GMT",
        "statusCode": "open",
        "eventRegion": "eu-west-1",
        "eventDescription": [{"language": "en_US", "latestDescription": "Instances in one zone cannot be reached."}],
        "affectedEntities": [],
        "page": "1",
        "totalPages": "1",
        "backupEvent": "false",
    },
}

SOURCE: Final = Source(
    name="aws_health",
    title="AWS Health",
    kind="provider",
    docs=DOCS,
    options=HealthOptions,
    example=EXAMPLE,
    read=_read,
    once=once,
    check=_check,
    afterwards=confirm,
)
