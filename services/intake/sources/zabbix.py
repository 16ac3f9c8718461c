"""Zabbix: webhook media types. There is no fixed format; ours stands on the page, and the names that other scripts use are read."""

import re
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, Source
from services.intake.sources.common import (
    COMMON,
    CommonOptions,
    Part,
    Told,
    acknowledged,
    ignored,
    noted,
    reads_one,
    refused,
    trigger_of,
)

SEVERITIES: Final = {"not classified": "info", "0": "info", "1": "info", "2": "warning", "3": "warning", "4": "error"}
"""The words that only Zabbix has, and its numbers; 5 is a disaster."""
MACRO: Final = re.compile(r"\s*\{EVENT\.[A-Z.]+\}\s*")
"""What stands for the event's id where there is no event."""
ACKNOWLEDGED: Final = re.compile(r"\backnowledged\b")
CLOSED: Final = re.compile(r"\b(?:closed|resolved)\b")
"""Words of ``{EVENT.UPDATE.ACTION}``, which lists what was done at once: ``acknowledged, commented``."""


def _one(look: Look, arrival: Arrival[CommonOptions]) -> Part:
    link = look.text("link", "url", "link_to_upstream_details")
    event, trigger = _ids(look, link)
    key = event or trigger
    if not key and MACRO.fullmatch(str(look.at("id").value or look.at("event_id").value)):
        return ignored("test", "Zabbix's test button: its macros are not filled in. It opens nothing.", look.at("id"))
    if not key:
        raise refused("missing-field", "The body needs id: the macro {EVENT.ID}.", look.at("id"))
    update = look.text("update_action").lower()
    firing = _firing(look) and not CLOSED.search(update)
    if firing and update:
        return _update(look, key, update)
    severity = look.text("severity", "nseverity").lower()
    tags = _tags(look)
    told = Told(
        key=key,
        firing=firing,
        title=look.text("name", "trigger", "subject", "title"),
        description=look.text("message", "description", "item"),
        severity="critical" if severity == "5" else SEVERITIES.get(severity, severity),
        services=[found]
        if (found := tags.get("service") or look.text("service", "host_name", "hostname", "host"))
        else [],
        tenants=filter(None, [tags.get("tenant")]),
        links=[(_page(link, event, trigger), "Zabbix")],
        labels={**tags, "host": look.text("host_name", "hostname", "host"), "ip": look.text("host_ip")},
    )
    return trigger_of(told, arrival)


def _update(look: Look, key: str, update: str) -> Part:
    """What somebody did to a problem that lasts."""
    by, note = look.text("update_user", "user"), look.text("update_message")
    if ACKNOWLEDGED.search(update):
        return acknowledged(key, by, note)
    if note:
        return noted(key, by, note)
    return ignored("no-news", f"The problem was {update} in Zabbix; that opens nothing.", look.at("update_action"))


def _ids(look: Look, link: str) -> tuple[str, str]:
    """The ids of the event and of the trigger, from the fields or from the link to them."""
    try:
        query = parse_qs(urlsplit(link).query)
    except ValueError:
        query = {}
    event = look.text("id", "event_id", "eventid", "alert_uid") or next(iter(query.get("eventid", [])), "")
    trigger = look.text("triggerId", "trigger_id", "triggerid") or next(iter(query.get("triggerid", [])), "")
    return event, trigger


def _firing(look: Look) -> bool:
    status = look.text("status", "event_status", "state").lower()
    if status:
        return status not in ("ok", "resolved", "recovered", "0")
    return look.text("value", "event_value") != "0"


def _page(link: str, event: str, trigger: str) -> str:
    if not link or not (event and trigger) or "tr_events.php" in link:
        return link
    return f"{link.rstrip('/')}/tr_events.php?triggerid={trigger}&eventid={event}"


def _tags(look: Look) -> dict[str, str]:
    tags = look.opened("tags")
    if tags.is_object():
        return tags.facts("")
    return {name: tag.text("value") for tag in tags.each() if (name := tag.text("tag", "name"))}


DOCS = f"""
Zabbix posts what a webhook media type tells it to; there is no fixed format. Use this one.

## Set it up

1. *Alerts → Media types → Create*, type **Webhook**, name `Tocsin`, with these parameters:

| name | value |
|---|---|
| `hook` | `https://intake.example.org/v1/hooks/zabbix` |
| `key` | `YOUR-KEY` |
| `body` | the JSON below, in one line |

```json
{{"id": "{{EVENT.ID}}", "triggerId": "{{TRIGGER.ID}}", "name": "{{EVENT.NAME}}", "severity": "{{EVENT.SEVERITY}}",
  "status": "{{EVENT.STATUS}}", "value": "{{EVENT.VALUE}}", "update_action": "{{EVENT.UPDATE.ACTION}}",
  "host_name": "{{HOST.NAME}}", "host_ip": "{{HOST.IP}}", "tags": {{EVENT.TAGSJSON}}, "url": "{{$ZABBIX.URL}}",
  "message": "{{ALERT.MESSAGE}}", "update_user": "{{USER.FULLNAME}}", "update_message": "{{EVENT.UPDATE.MESSAGE}}"}}
```

2. As its script:

```js
var p = JSON.parse(value), request = new HttpRequest();
request.addHeader('Content-Type: application/json');
request.addHeader('Authorization: Bearer ' + p.key);
var answer = request.post(p.hook, p.body);
if (request.getStatus() >= 300) {{ throw 'Tocsin: ' + request.getStatus() + ' ' + answer; }}
return 'OK';
```

3. Under *Message templates* add Problem, Problem recovery and Problem update. Give a user that medium, and let a trigger action notify the user.

## What is read

| Tocsin | from the body |
|---|---|
| dedup key | `id`, which is the same on recovery; else `triggerId`; else `eventid` or `triggerid` of `link` |
| status | `status`, else `value`; of updates (`update_action`) *acknowledged* acknowledges, *closed* resolves, a message is a note, all others open nothing |
| severity | Not classified and Information info, Warning and Average warning, High error, Disaster critical |
| service, tenants | tags `service` and `tenant`, else `service`, else the host |
| link | the event's page under `url`, or `link` |

`tags` may be an array or a text that holds one. Macros that Zabbix left as they were count as empty.

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "id": "20418",
    "triggerId": "1177",
    "name": "The approval queue has not moved for 12 minutes",
    "severity": "Disaster",
    "status": "PROBLEM",
    "value": "1",
    "update_action": "",
    "host_name": "queue-1",
    "host_ip": "{HOST.IP}",
    "tags": [{"tag": "service", "value": "approvals"}, {"tag": "tenant", "value": "northwind"}],
    "url": "https://zabbix.example.org",
    "message": "1,204 approvals are waiting.",
}

SOURCE: Final = Source(
    name="zabbix",
    title="Zabbix",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=reads_one(_one, form=True),
)
