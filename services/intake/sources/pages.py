"""A page for people from each source: what ``docs/integrations/`` holds and ``GET /v1/sources`` gives.

``python -m services.intake.sources.pages`` writes the folder.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from services.intake.sources.base import Source
from services.intake.sources.registry import all_sources

FOLDER: Final = Path("docs/integrations")

INTRO = """# Integrations

An integration is one sender that Tocsin listens to: a wire format, one or more keys, and the options of the format. The shipped ones stand in
`deploy/config/integrations.yaml`; others are made there or with `POST /v1/integrations`. Both give the sender an address of its own:

```
POST /v1/hooks/<source>/<key>        the key in the path, for senders that can set no header
POST /v1/hooks/<source>              the key as "Authorization: Bearer <key>", as "X-Tocsin-Key" or "X-Api-Key",
                                     as the password of HTTP Basic, or as the parameter access_token or auth_token
POST /v1/triggers                    Tocsin's own format, the key as a header
```

Keys in addresses are never logged. Prefer a header wherever the sender can set one.

By the API, with the key of an admin (`operator.key` of `run.json`, or a key made in the console):

```sh
INTAKE=http://127.0.0.1:8701 ADMIN='Authorization: Bearer tocsin_…'
curl -X POST $INTAKE/v1/integrations -H "$ADMIN" -H 'Content-Type: application/json' \\
  -d '{"id": "grafana", "name": "Grafana", "source": "grafana", "options": {"default_severity": "error"}}'
curl -X POST $INTAKE/v1/integrations/grafana/keys -H "$ADMIN"     # shows the key and the whole address, once
```

Where a provider has a status page, an integration may ask it in place of waiting to be told: those of [`statuspage`](statuspage.md),
[`azure_status`](azure_status.md), [`gcp_status`](gcp_status.md) and [`feed`](feed.md) with the option `url`. They need no key. `GET /v1/pollers` shows how each provider stands.

To see what would become of a body, without storing it and without paging anybody (operators only):

```
POST /v1/integrations/<id>/preview   {"headers": {"Content-Type": "application/json"}, "body": {…}}
```

The body is read as its hook would read it, as if it came for the first time. For another way in, `path` says the address (and `method`, where it is not `POST`); a
key in it is not needed. Bytes that are no text go into `body_base64`.

| what is tried out | `path` |
|---|---|
| a ticket, a tool owner's notice, a maintenance or its calendar | `/v1/tickets`, `/v1/notices`, `/v1/maintenance`; with `"method": "DELETE"`, `/v1/maintenance/<id>` |
| a mail, whether by SMTP or from a mailbox | none: the body is the message with its header |
| a mail that SendGrid or Mailgun posts | none where `headers` has the form's `Content-Type`; else `/v1/mail/sendgrid`, `/v1/mail/mailgun` |
| a page that is asked | `/v1/pollers/<id>/poll`: what of the body is news to the poller; without a body, the page itself is asked |
| a ping | none; of Opsgenie's, `/v2/heartbeats/<name>/ping` |
| a call of a drop-in API | `/v2/enqueue`, `/v2/change/enqueue`, `/v2/alerts`, `/v2/alerts/<id>/close?identifierType=alias`, … |

Where the integration wants its bodies signed, or its sender proves itself (SNS, Microsoft Entra), `turned_away` says why this one would not be let in: give the
sender's headers along.

```sh
curl -X POST $INTAKE/v1/integrations/monitoring/preview -H "$ADMIN" -H 'Content-Type: application/json' \\
  -d '{"path": "/v1/notices", "body": {"tool": "ziflow", "state": "down", "title": "Proofs cannot be opened"}}'
```

What came is kept, with what was made of it, and is also in the console under *Triggers* and *Quarantine*:

| call | what it shows or does |
|---|---|
| `GET /v1/triggers?q=&integration=&source=&kind=&status=`, `/v1/triggers/<id>` | what was derived |
| `GET /v1/deliveries/<delivery_id>`, `/v1/deliveries/<delivery_id>/body` | the headers that are kept, and the body as it came |
| `POST /v1/deliveries/<delivery_id>/replay` | reads the body again as its integration reads now, and takes it in; with `{"dry_run": true}` only shows what has changed |
| `GET /v1/quarantine?state=&q=`, `/v1/quarantine/<id>` | bodies that nobody understood, and why |
| `POST /v1/quarantine/<id>/incident` with `{"title": …}`, `/dismiss` with `{"note": …}` | makes an incident of one, or puts it away |

| source | sender |
|---|---|
"""

ANSWERS = """
## What the answers mean

| status | meaning | what the sender should do |
|---|---|---|
| 202 | committed: `delivery_id`, one entry in `triggers` for each alert; `problems` names parts that could not be understood, `ignored` those that rightly open nothing | nothing |
| 200 | as 202, for senders that insist on 200, and for test buttons, which open nothing | nothing |
| 400, 422 | the body cannot be understood; it is kept (`quarantine_id`) and a person is told | change what `errors` says |
| 401 | no key, or none that Tocsin knows | look at the key |
| 403 | the key is of an integration of another source, which the answer names; or the body is not signed as it must be | use that source's address; look at the secret |
| 404 | there is no such source | look at the address |
| 413 | the body is over the limit (1 MiB unless `TOCSIN_INTAKE_BODY_LIMIT` says otherwise) | send less at once |
| 429 | more bodies came with the key than are taken in a minute; only to senders that come back after it | send it again after `Retry-After` |
| 503 | nothing was accepted, or too much came at once; `Retry-After` says when to come back | send it again |

## Signed bodies

Every integration may ask for signatures, which are verified over the bytes as they came. A body that is not signed as it must be is answered with 401
and is not kept. Secrets stand in variables or files; several are good at once, so that one can be changed without a gap.

```yaml
    options:
      verify:
        scheme: sentry
        secrets: [{env: TOCSIN_SENTRY_SECRET}, {file: /run/secrets/sentry-before}]
        window_seconds: 300
```

| scheme | what is signed | how a delivery that is sent again is known |
|---|---|---|
| `github`, `jira`, `pagerduty`, `sentry` | the body, HMAC-SHA256 in hexadecimal | `X-GitHub-Delivery`, `X-Atlassian-Webhook-Identifier`, `X-Webhook-Id`, `Request-ID` |
| `grafana` | the body, with a time where one is sent; `header` and `timestamp_header` name other headers | time and body, where a time is sent |
| `mailgun` | time and token, in the body | the token |
| `sendgrid` | time and body, ECDSA; the secret is the public key of the console | time and body |
| `slack` | time and body | time and body |
| `standard-webhooks` | id, time and body | `webhook-id` |
| `twilio` | the address under `TOCSIN_PUBLIC_URL` and the parameters, HMAC-SHA1, or HMAC-SHA256 with a shared key | `I-Twilio-Idempotency-Token` |
| `zendesk` | time and body | `X-Zendesk-Webhook-Invocation-Id` |

A signed time may lie `window_seconds` from ours. A delivery that was taken already is answered with 200 and is not taken twice, whichever
replica it comes to: that is remembered in the transaction of its body, and as long as bodies are kept (`TOCSIN_INTAKE_KEEP_DAYS`). What SNS signs is verified by the source `cloudwatch` itself; its `MessageId`, and the `source` and `id` of a
CloudEvent, are known again in the same way. Of a body that was refused nothing is remembered: it may come again once the integration is mended.

## Limits

One key may post 120,000 bodies a minute (`TOCSIN_INTAKE_RATE_LIMIT`; the option `rate_limit` of an integration says less). What comes beyond is
answered with 503, since most senders drop a body after 429, and with 429 to senders of `native` and
`cloudevents`, to heartbeats and to callers of the drop-in APIs. Each replica counts for itself and from its own
start: with three replicas a key may post up to three times as much. The limit keeps one sender from drowning the others; it is no quota.

## Drop-in APIs

What speaks to PagerDuty or to Opsgenie today speaks to Tocsin after one change: the address. The integration's key takes the place of the routing key or
of the API key, and answers, errors and limits are the vendor's own, so that clients retry, stop and report as they always did.

| API | what to change | page |
|---|---|---|
| PagerDuty Events v2 and v1, change events | `https://events.pagerduty.com` to `https://intake.example.org` | [`pagerduty`](pagerduty.md) |
| Opsgenie Alert and Heartbeat API v2 | `https://api.opsgenie.com` to `https://intake.example.org` | [`opsgenie`](opsgenie.md) |
| Slack's incoming webhooks | the webhook URL to `https://intake.example.org/v1/hooks/slack/YOUR-KEY` | [`slack`](slack.md) |

An acknowledgement that comes this way acknowledges the incident; a note stands on its timeline. What Tocsin cannot do is refused and never said to be done.
Tried with PyPI's `pagerduty`, `pdpyras` and `opsgenie-sdk`, and with Alertmanager's `pagerduty_configs` and `opsgenie_configs`. The webhooks of PagerDuty and
Opsgenie themselves are read by [`pagerduty_webhook`](pagerduty_webhook.md) and [`opsgenie_webhook`](opsgenie_webhook.md), for the time in which both are in use.

Each source has a page here, rendered from its own file by `python -m services.intake.sources.pages`; `GET /v1/sources` gives the same to programs.
"""


def page(source: Source[Any]) -> str:
    """The Markdown page of one source."""
    told = source.example
    name = "json" if not isinstance(told, str) else "xml" if told.startswith("<") else "text"
    example = told if isinstance(told, str) else json.dumps(told, indent=2)
    body = f"```{name}\n{example.strip()}\n```"
    return f"# {source.title}\n\nSource `{source.name}`.\n\n{source.docs.strip()}\n\n## A body\n\n{body}\n"


def pages(sources: Mapping[str, Source[Any]]) -> dict[str, str]:
    """Every file of ``docs/integrations/`` by its name."""
    rows = "".join(f"| [`{source.name}`]({source.name}.md) | {source.title} |\n" for source in sources.values())
    return {"README.md": INTRO + rows + ANSWERS, **{f"{source.name}.md": page(source) for source in sources.values()}}


def main() -> None:
    """Write the pages of all sources, and remove those of sources that are gone."""
    wanted = pages(all_sources())
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, content in wanted.items():
        (FOLDER / name).write_text(content)


if __name__ == "__main__":
    main()
