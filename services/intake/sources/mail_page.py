"""The page and the example of the source ``mail``."""

from typing import Final

from services.intake.sources.packs.base import Pack
from services.intake.sources.packs.registry import all_packs
from services.intake.sources.watched import WATCHED

EXAMPLE: Final = """\
From: Carrier NOC <noc@carrier.example>
To: providers@tocsin.example.org
Subject: Planned work WO-31415
Date: Mon, 02 Mar 2026 09:00:00 +0000
Message-ID: <31415.1@carrier.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="part"

--part
Content-Type: text/plain; charset=utf-8

We will work on circuit ACME-1. The calendar has the times.

--part
Content-Type: text/calendar; charset=utf-8
Content-Disposition: attachment; filename="maintenance.ics"

BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//carrier.example//maintenance//EN
BEGIN:VEVENT
UID:31415@carrier.example
DTSTAMP:20260302T090000Z
DTSTART:20260307T220000Z
DTEND:20260308T010000Z
SEQUENCE:1
SUMMARY:Planned work WO-31415
X-MAINTNOTE-PROVIDER:carrier.example
X-MAINTNOTE-ACCOUNT:4711
X-MAINTNOTE-MAINTENANCE-ID:WO-31415
X-MAINTNOTE-OBJECT-ID:ACME-1
X-MAINTNOTE-IMPACT:REDUCED-REDUNDANCY
X-MAINTNOTE-STATUS:CONFIRMED
END:VEVENT
END:VCALENDAR

--part--
"""

_INTRO = """
Mail of providers, of those who announce maintenance, and of tools' owners. A mail becomes a trigger with state, region, window in UTC and the sender's own
id; what follows up on the same incident finds it by that id: moved is firing again with the new window, cancelled and completed is resolved.

The integration's `kind` says whose mail it is: `provider` goes to DevOps, `maintenance` to the team assigned to it, `tool` to the PM who is responsible for
the tool, `telemetry` to whoever is on shift.

## How mail comes in

Every integration of this source has a key, and with it an address: `anything+KEY@your-domain`. The part behind the plus sign is never kept nor logged.

**By SMTP.** Set `TOCSIN_INTAKE_SMTP_PORT` (`TOCSIN_INTAKE_SMTP_PORT=2525 make run`; compose and Kubernetes have it), and let the MX of a domain of its own, `tocsin.example.org`, hand mail over to that port (25 with Postfix:
`transport_maps`, `tocsin.example.org smtp:[tocsin-host]:2525`). STARTTLS is offered with the certificate of `TOCSIN_INTAKE_SMTP_CERTIFICATE` and
`TOCSIN_INTAKE_SMTP_KEY`, else with one that is made at each start; `TOCSIN_INTAKE_SMTP_REQUIRE_TLS=true` takes nothing without. A message is answered
with 250 after it is committed, and with 451 where that cannot be done, so that the server before it tries again. To try it:

```sh
swaks --server tocsin.example.org:2525 --tls --from noc@carrier.example --to providers+YOUR-KEY@tocsin.example.org \\
  --header "Subject: Planned work" --attach-type text/calendar --attach @maintenance.ics
```

**By SendGrid.** *Settings, Inbound Parse, Add Host & URL*: the URL is `https://intake.example.org/v1/mail/sendgrid/YOUR-KEY`; tick *POST the raw, full
MIME message*. With a signed security policy, `verify: {scheme: sendgrid, secrets: [{env: TOCSIN_SENDGRID_KEY}]}`.

**By Mailgun.** A route with `forward("https://intake.example.org/v1/mail/mailgun/YOUR-KEY/mime")`; the ending `/mime` has the message posted as it came.
`verify: {scheme: mailgun, secrets: [{env: TOCSIN_MAILGUN_KEY}]}` with the HTTP webhook signing key.

**By IMAP.** A mailbox is looked into by one replica at a time; every message is taken once and marked only after the commit:

```yaml
    options:
      mailbox: {host: imap.example.org, username: noc@example.org, password: {env: TOCSIN_NOC_PASSWORD}, every: 1m, then: move, move_to: Tocsin}
```

`security` is `tls` (the default), `starttls` or `none`; `then` is `seen`, `move` or `delete`. What is unread is taken at the first look, afterwards
everything new, also what a person has read meanwhile. Mailboxes of integrations that were made over the API are read only where
`TOCSIN_INTAKE_MAILBOX_HOSTS` names their host.

To try a message out, post it to `/v1/integrations/<id>/preview` as the `body`, with its whole header; also the form that a mail service posts, with its
`Content-Type`: `jq -n --rawfile mail notice.eml '{body: $mail}' | curl … --json @-`.

## What is believed

Anybody can write any sender into a mail. Tocsin does not verify DKIM or SPF itself: it believes what our own mail server found (`Authentication-Results`,
RFC 8601), or what SendGrid and Mailgun say. Only the topmost header counts, and only where its server is one of `authserv_ids`.

| `trust` | what must be proven: DMARC, or DKIM or SPF of the author's domain |
|---|---|
| `vendors` (the default without `authserv_ids`) | mail that looks like a vendor's of the table below; calendars and other forms are believed by the key in the address, unless a check failed |
| `proof` (the default with `authserv_ids`) | all mail |
| `key` | nothing: whoever knows the address is believed |

Mail that is not believed is never dropped: it goes to quarantine with the reason, and the roles under `quarantine_of`, `mail` in
`routing.yaml` are told: DevOps, unless you say otherwise. The same is done with mail that no pack reads. From the quarantine one click makes an incident of it.
Automatic answers (`Auto-Submitted: auto-replied`, somebody is away) and reports of mail servers on what they could not deliver open nothing, are in
nobody's quarantine, and so cannot answer each other for ever; they are kept like every body.

```yaml
  - id: provider-mail
    name: Providers' mail
    source: mail
    kind: provider
    key: {env: TOCSIN_KEY_PROVIDER_MAIL}
    options:
      authserv_ids: [mx.example.org]
      senders: [carrier.example]
      components:
        "Virtual Machines + West Europe": {service: approvals, tenants: [northwind]}
        "SMS*": {service: notifications}
        "carrier.example": {service: network}
```

`authserv_count`: how many headers our servers put on top. `mx_peers`: networks of our mail servers; findings in mail that comes past them by SMTP are not
believed. `lists`: domains of our mailing lists, for mail that they rewrote. `senders`: further domains or addresses that are believed.

## What is read

| pack | mail of | what is read |
|---|---|---|
"""

_OPTIONS = f"""
Texts may be plain or HTML, in any charset. Dates are read in several languages and zones. A date such as 3/11/2026 is read only where `date_order` (`DMY`,
`MDY`) or the vendor's habit says which is the day; a time without a zone is one of `time_zone`.

## Maintenance and tools

For `kind: maintenance` the assigned team is `X-TOCSIN-TEAM` of the calendar, else `team`. For `kind: tool`, `tools` goes
from a sender's address or domain, or from words of the subject with `*`, to the tool's id; `tool` is that of all others. The state is `down`,
`will_be_down` (with a window) or `up`.

## Options

`plain`: any mail opens an incident. For names by which a part is mapped, the provider's own counts too.

{WATCHED}
"""


def _row(pack: Pack) -> str:
    domains = ", ".join(f"`{domain}`" for domain in pack.domains) or "anybody"
    return f"| `{pack.name}` | {pack.title}: {domains} | {pack.docs} |\n"


DOCS: Final = _INTRO + "".join(map(_row, all_packs())) + _OPTIONS
