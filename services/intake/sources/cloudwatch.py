"""Amazon CloudWatch alarms, which arrive through an SNS topic: an alarm is JSON in the text of SNS's envelope."""

from dataclasses import replace
from typing import Any, Final, Literal
from urllib.parse import quote

from services.intake.domain.look import Look
from services.intake.domain.trigger import Reading
from services.intake.sources.aws_health import is_health, read_event
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.common import COMMON, Part, Told, gathered, ignored, needed, refused, trigger_of, value_of
from services.intake.sources.sns import TOPICS, SnsOptions, check, confirm, is_envelope, once, step_of
from services.intake.sources.watched import WatchedOptions

SERVICE_DIMENSIONS: Final = (
    "ServiceName",
    "FunctionName",
    "LoadBalancer",
    "ClusterName",
    "DBInstanceIdentifier",
    "QueueName",
    "TableName",
    "ApiName",
    "BucketName",
    "TopicName",
    "InstanceId",
)
"""What CloudWatch calls the thing that is watched, the most telling first."""


class CloudWatchOptions(SnsOptions, WatchedOptions):
    """Whom to believe, and what missing data mean."""

    insufficient_data: Literal["warning", "resolve", "ignore"] = "warning"


def _read(arrival: Arrival[CloudWatchOptions]) -> Reading:
    """An alarm, or an event of AWS Health that was handed to the same topic."""
    try:
        look = value_of(arrival)
        if is_envelope(look):
            step = step_of(look, arrival)
            if step is not None:
                return Reading(ignored=(step,))
        event = look.opened("Message") if is_envelope(look) else look
        if is_health(event):
            return read_event(event, arrival)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    return gathered([event], lambda message, _: _one(look, message, arrival), arrival)


def _one(look: Look, message: Look, arrival: Arrival[CloudWatchOptions]) -> Part:
    enveloped = is_envelope(look)
    if message.at("detail").is_object():
        return _state_change(look if enveloped else Look({}), message, arrival)
    if not message.text("AlarmName"):
        if not enveloped:
            needed(look, "TopicArn")
        raise refused("wrong-shape", "The message is no alarm of CloudWatch.", look.at("Message"))
    return _alarm(look if enveloped else Look({}), message, arrival)


def _alarm(envelope: Look, alarm: Look, arrival: Arrival[CloudWatchOptions]) -> Part:
    state, name = needed(alarm, "NewStateValue"), alarm.text("AlarmName")
    arn = alarm.text("AlarmArn")
    region = (arn or envelope.text("TopicArn")).split(":")[3:4]
    dimensions = {each.text("name", "Name"): each.text("value", "Value") for each in alarm.each("Trigger.Dimensions")}
    told = Told(
        key=arn or "/".join(alarm.text(part) for part in ("AWSAccountId", "Region", "AlarmName")),
        firing=True,
        title=envelope.text("Subject") or alarm.text("AlarmDescription", "AlarmName"),
        description="\n".join(filter(None, [alarm.text("AlarmDescription"), alarm.text("NewStateReason")])),
        services=_service(dimensions),
        links=[(_console(region[0], name), "CloudWatch")] if region and region[0] else [],
        labels={**dimensions, "alarm": name, "state": state.upper(), **alarm.facts("Trigger")},
        started_at=alarm.moment("StateChangeTime"),
        ended_at=alarm.moment("StateChangeTime"),
    )
    return _by_state(state, name, told, arrival)


def _state_change(envelope: Look, event: Look, arrival: Arrival[CloudWatchOptions]) -> Part:
    """EventBridge's ``CloudWatch Alarm State Change``."""
    detail = event.at("detail")
    name, state, region = needed(detail, "alarmName"), needed(detail, "state.value"), event.text("region")
    configuration = detail.at("configuration")
    metrics = [metric.at("metricStat.metric") for metric in configuration.each("metrics")]
    dimensions: dict[str, str] = {}
    for metric in metrics:
        dimensions |= metric.facts("dimensions")
    told = Told(
        key=event.text("resources.0") or f"{event.text('account')}/{region}/{name}",
        firing=True,
        title=envelope.text("Subject") or configuration.text("description") or name,
        description="\n".join(filter(None, [configuration.text("description"), detail.text("state.reason")])),
        services=_service(dimensions),
        links=[(_console(region, name), "CloudWatch")] if region else [],
        labels={
            **dimensions,
            "alarm": name,
            "state": state.upper(),
            "region": region,
            "account": event.text("account"),
            "metric": ", ".join(filter(None, [metric.text("name") for metric in metrics])),
        },
        started_at=detail.moment("state.timestamp") or event.moment("time"),
        ended_at=detail.moment("state.timestamp") or event.moment("time"),
    )
    return _by_state(state, name, told, arrival)


def _by_state(state: str, name: str, told: Told, arrival: Arrival[CloudWatchOptions]) -> Part:
    """ALARM fires, OK resolves; what missing data mean says the option."""
    missing = state.upper() == "INSUFFICIENT_DATA"
    means = arrival.integration.options.insufficient_data
    if missing and means == "ignore":
        return ignored("no-news", f"{name} has insufficient data; the option says to pass that over.")
    resolved = state.upper() == "OK" or (missing and means == "resolve")
    return trigger_of(replace(told, firing=not resolved, severity="warning" if missing else ""), arrival)


def _service(dimensions: dict[str, str]) -> list[str]:
    named = [dimensions[name] for name in SERVICE_DIMENSIONS if dimensions.get(name)]
    return (named or [value for value in dimensions.values() if value])[:1]


def _console(region: str, name: str) -> str:
    host = f"https://{region}.console.aws.amazon.com/cloudwatch/home"
    return f"{host}?region={region}#alarmsV2:alarm/{quote(name, safe='')}"


DOCS = f"""
CloudWatch tells an SNS topic of its alarms, and SNS posts them. Tocsin verifies SNS's signature (version 1 and 2) and confirms the subscription.

## Set it up

1. Name the topic in the integration, so that its subscription is confirmed and no other topic can use the key:

```yaml
integrations:
  - id: cloudwatch
    name: CloudWatch
    source: cloudwatch
    options:
      topics: ["arn:aws:sns:eu-west-1:123456789012:alarms"]
    key: {{env: TOCSIN_KEY_CLOUDWATCH}}
```

2. `aws sns subscribe --topic-arn arn:aws:sns:eu-west-1:123456789012:alarms --protocol https --notification-endpoint
   https://intake.example.org/v1/hooks/cloudwatch/YOUR-KEY`. Leave *raw message delivery* off: raw messages bear no signature.
3. Give alarms the topic for *In alarm*, *OK* and *Insufficient data*.

Tocsin asks only `https://sns.<region>.amazonaws.com` for the certificate and for the confirmation, without following redirects.

## What is read

| Tocsin | from the alarm |
|---|---|
| dedup key | `AlarmArn`, else account, region and name |
| status | `NewStateValue`: ALARM fires, OK resolves, INSUFFICIENT_DATA as the option says |
| title | the topic's subject, else `AlarmDescription` |
| severity | none is sent: `default_severity`; missing data are a warning |
| service | the most telling of `Trigger.Dimensions`; map it with `services` |
| link | the alarm in CloudWatch's console |

EventBridge's *CloudWatch Alarm State Change* is read too, and so are its events of AWS Health, as trouble of the provider: see [AWS Health](aws_health.md), whose
options `components`, `provider` and `team` count here as well. A message that is neither is kept, and a person is told.

## Options

{TOPICS} `insufficient_data`: `warning` (fires as
one), `resolve` or `ignore`. {COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "Type": "Notification",
    "MessageId": "0b7c",
    "TopicArn": "arn:aws:sns:eu-west-1:123456789012:alarms",
    "Subject": 'ALARM: "approvals-queue" in EU (Ireland)',
    "Message": '{"AlarmName": "approvals-queue", "AlarmDescription": "The approval queue is stuck", "NewStateValue": "ALARM",'
    ' "NewStateReason": "Threshold crossed", "StateChangeTime": "2026-03-02T09:15:00.000+0000", "Region": "EU (Ireland)",'
    ' "AWSAccountId": "123456789012", "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:approvals-queue",'
    ' "Trigger": {"Dimensions": [{"name": "QueueName", "value": "approvals"}]}}',
    "Timestamp": "2026-03-02T09:15:01.000Z",
    "SignatureVersion": "2",
}

SOURCE: Final = Source(
    name="cloudwatch",
    title="Amazon CloudWatch, through SNS",
    kind="telemetry",
    docs=DOCS,
    options=CloudWatchOptions,
    example=EXAMPLE,
    read=_read,
    once=once,
    check=check,
    afterwards=confirm,
)
