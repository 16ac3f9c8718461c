"""Amazon CloudWatch alarms, which arrive through an SNS topic: an alarm is JSON in the text of SNS's envelope."""

from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import quote

from libs.common.errors import Forbidden
from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, CannotRead, Network, Source, json_of
from services.intake.sources.common import (
    COMMON,
    CommonOptions,
    Part,
    Told,
    ignored,
    needed,
    reads_one,
    refused,
    trigger_of,
)
from services.intake.sources.sns import is_allowed, is_amazons, is_signed

OLDEST: Final = timedelta(hours=1)
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


class CloudWatchOptions(CommonOptions):
    """Whom to believe, and what missing data mean."""

    topics: tuple[str, ...] = ()
    """The ARNs of the topics that may send and whose subscription is confirmed; ``*`` stands for anything."""
    signature: bool = True
    """Whether SNS's signature is asked for."""
    insufficient_data: Literal["warning", "resolve", "ignore"] = "warning"


def _one(look: Look, arrival: Arrival[CloudWatchOptions]) -> Part:
    kind = look.text("Type")
    if not kind and look.text("AlarmName"):
        return _alarm(Look({}), look, arrival)
    topic = needed(look, "TopicArn")
    options = arrival.integration.options
    subscribing = kind == "SubscriptionConfirmation"
    if (subscribing or options.topics) and not is_allowed(topic, options.topics):
        raise refused("invalid-field", f"The option topics does not name {topic}.", look.at("TopicArn"))
    if subscribing:
        return ignored("handshake", f"The subscription to {topic} is confirmed.")
    if kind == "UnsubscribeConfirmation":
        return ignored("handshake", f"Tocsin was taken off {topic}; alarms of it do not arrive any more.")
    message = look.opened("Message")
    if message.at("detail").is_object():
        return trigger_of(_state_change(look, message), arrival)
    if not message.text("AlarmName"):
        raise refused("wrong-shape", "The message is no alarm of CloudWatch.", look.at("Message"))
    return _alarm(look, message, arrival)


def _alarm(envelope: Look, alarm: Look, arrival: Arrival[CloudWatchOptions]) -> Part:
    state, name = needed(alarm, "NewStateValue").upper(), alarm.text("AlarmName")
    missing = state == "INSUFFICIENT_DATA"
    if missing and arrival.integration.options.insufficient_data == "ignore":
        return ignored("no-news", f"{name} has insufficient data; the option says to pass that over.")
    arn = alarm.text("AlarmArn")
    region = (arn or envelope.text("TopicArn")).split(":")[3:4]
    dimensions = {each.text("name", "Name"): each.text("value", "Value") for each in alarm.each("Trigger.Dimensions")}
    resolved = state == "OK" or (missing and arrival.integration.options.insufficient_data == "resolve")
    told = Told(
        key=arn or "/".join(alarm.text(part) for part in ("AWSAccountId", "Region", "AlarmName")),
        firing=not resolved,
        title=envelope.text("Subject") or alarm.text("AlarmDescription", "AlarmName"),
        description="\n".join(filter(None, [alarm.text("AlarmDescription"), alarm.text("NewStateReason")])),
        severity="warning" if missing else "",
        services=_service(dimensions),
        links=[(_console(region[0], name), "CloudWatch")] if region and region[0] else [],
        labels={**dimensions, "alarm": name, "state": state, **alarm.facts("Trigger")},
        started_at=alarm.moment("StateChangeTime"),
        ended_at=alarm.moment("StateChangeTime"),
    )
    return trigger_of(told, arrival)


def _state_change(envelope: Look, event: Look) -> Told:
    """EventBridge's ``CloudWatch Alarm State Change``."""
    name, region = needed(event, "detail.alarmName"), event.text("region")
    return Told(
        key=event.text("resources.0") or f"{event.text('account')}/{region}/{name}",
        firing=event.text("detail.state.value").upper() != "OK",
        title=envelope.text("Subject") or event.text("detail.configuration.description") or name,
        description=event.text("detail.state.reason"),
        links=[(_console(region, name), "CloudWatch")] if region else [],
        labels={"alarm": name, "state": event.text("detail.state.value")},
        started_at=event.moment("detail.state.timestamp", "time"),
        ended_at=event.moment("detail.state.timestamp", "time"),
    )


def _service(dimensions: dict[str, str]) -> list[str]:
    named = [dimensions[name] for name in SERVICE_DIMENSIONS if dimensions.get(name)]
    return (named or [value for value in dimensions.values() if value])[:1]


def _console(region: str, name: str) -> str:
    host = f"https://{region}.console.aws.amazon.com/cloudwatch/home"
    return f"{host}?region={region}#alarmsV2:alarm/{quote(name, safe='')}"


def once(arrival: Arrival[CloudWatchOptions]) -> str:
    """The ``MessageId`` of a notification, which SNS may deliver more than once; of a handshake nothing, which may have failed."""
    try:
        envelope = Look(json_of(arrival.headers, arrival.body))
    except CannotRead:
        return ""
    return envelope.text("MessageId") if envelope.text("Type") == "Notification" else ""


async def check(arrival: Arrival[CloudWatchOptions], network: Network) -> None:
    """Believe only what SNS signed, lately. Raises :class:`Forbidden`, and ``Unavailable`` where the certificate cannot be had."""
    if not arrival.integration.options.signature:
        return
    try:
        envelope = Look(json_of(arrival.headers, arrival.body))
    except CannotRead:
        return
    address = envelope.text("SigningCertURL", "SigningCertUrl")
    if not is_amazons(address, ".pem"):
        raise Forbidden("The message bears no signature of SNS: SigningCertURL is not one of Amazon's.")
    sent = envelope.moment("Timestamp")
    if sent is None or arrival.now - sent > OLDEST:
        raise Forbidden("The message is older than an hour; SNS does not try for that long.")
    if not is_signed(envelope, await network.get(address, keep=True)):
        raise Forbidden("The signature of the message is not that of SNS.")


async def confirm(arrival: Arrival[CloudWatchOptions], network: Network) -> None:
    """Confirm a subscription that the option ``topics`` names, by the address that SNS itself gave."""
    try:
        envelope = Look(json_of(arrival.headers, arrival.body))
    except CannotRead:
        return
    address = envelope.text("SubscribeURL")
    allowed = is_allowed(envelope.text("TopicArn"), arrival.integration.options.topics)
    if envelope.text("Type") == "SubscriptionConfirmation" and allowed and is_amazons(address):
        await network.get(address)


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

EventBridge's *CloudWatch Alarm State Change* is read too. A message that is no alarm is kept, and a person is told.

## Options

`topics`: the topics that may send; `*` stands for anything. `signature`: `false` takes unsigned messages. `insufficient_data`: `warning` (fires as
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
    read=reads_one(_one),
    once=once,
    check=check,
    afterwards=confirm,
)
