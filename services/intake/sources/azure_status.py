"""Azure's public status as RSS: one item for each incident that concerns many, gone from the feed some time after it is over."""

import re
from typing import Final

from services.intake.domain.dedup import hash_of_words
from services.intake.domain.polling import Watch, only_itself
from services.intake.domain.trigger import Reading
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.feeds import Entry, feed_of, guessed_severity
from services.intake.sources.watched import ASKING, POLLED, WATCHED, Notice, PolledOptions, reading_of

PROVIDER: Final = "azure"

OVER: Final = re.compile(
    r"\W{0,20}(summary of impact|resolved|mitigated|what happened|post incident review|preliminary (pir|root cause)|rca\b)",
    re.IGNORECASE,
)
"""How titles and texts of what is over begin."""

NOW_OVER: Final = re.compile(
    r"\bcurrent status\W{1,20}(this (incident|issue|event) (is|has been) )?(now )?(fully )?(mitigated|resolved)\b",
    re.IGNORECASE,
)
"""How a text says it further down."""


def _read(arrival: Arrival[PolledOptions]) -> Reading:
    try:
        feed = feed_of(arrival.headers, arrival.body, rss=True)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    return reading_of([_notice(entry, feed.link) for entry in feed.entries], arrival)


def _notice(entry: Entry, page: str) -> Notice:
    over = OVER.match(entry.title) or OVER.match(entry.text) or NOW_OVER.search(entry.text)
    day = "" if entry.published is None else entry.published.date().isoformat()
    service, _, region = entry.title.rpartition(" - ")
    parts = entry.categories or tuple(filter(None, (service or region, region if service else "")))
    return Notice(
        key=entry.id or hash_of_words("azure", (entry.title, day)),
        firing=over is None,
        title=entry.title,
        description=entry.text,
        severity=guessed_severity((entry.title, entry.text)),
        provider=PROVIDER,
        parts=parts,
        names=(entry.title, service, region, *service.split("/")),
        link=entry.link if entry.link.startswith("http") else page,  # a guid is none, whatever it says of itself
        started_at=entry.published or entry.updated,
        ended_at=entry.updated if over else None,
    )


DOCS: Final = f"""
Azure's status page as a feed: what many of Azure's clients feel. What concerns your own subscriptions comes through Service Health and
[`azure`](azure.md).

## Set it up

```yaml
  - id: azure-status
    name: Azure's status page
    source: azure_status
    options:
      url: https://rssfeed.azure.status.microsoft/en-us/status/feed/
      components:
        "Virtual Machines + West Europe": {{service: workflow}}
```

## What is read

| Tocsin | from an item |
|---|---|
| dedup key | `guid`, else a hash of title and day |
| status | fires, until its text is that of something which is over: *Summary of impact*, *Mitigated*, *Post Incident Review* |
| title, description, link | `title`, `description` without markup, `link` |
| severity | guessed from words: outage is critical, failures is error, a subset or latency is warning; else `default_severity` |
| components | `category`, and both halves of a title such as *Virtual Machines - East US 2*, through the mapping |

An item that is gone from the feed is not taken for resolved, and an empty feed is not taken for proof that all is well: a part of Azure that was down itself
has served one. Any root but `<rss>` is refused.
{ASKING}
## Options

{POLLED.strip()}

{WATCHED.strip()}
"""

EXAMPLE: Final = """<?xml version="1.0" encoding="utf-8"?>
<rss xmlns:a10="http://www.w3.org/2005/Atom" version="2.0">
  <channel>
    <title>Azure Status</title>
    <link>https://azure.status.microsoft/en-us/status/</link>
    <description>Azure Status</description>
    <lastBuildDate>Mon, 02 Mar 2026 09:12:00 Z</lastBuildDate>
    <item>
      <guid isPermaLink="false">VM00-QRZ</guid>
      <link>https://azure.status.microsoft/en-us/status/</link>
      <category>Virtual Machines</category>
      <category>West Europe</category>
      <title>Virtual Machines - West Europe</title>
      <description>Starting at 08:40 UTC on 2 March 2026, customers in West Europe may be unable to start virtual machines.</description>
      <pubDate>Mon, 02 Mar 2026 09:05:00 Z</pubDate>
    </item>
  </channel>
</rss>
"""

SOURCE: Final = Source(
    name="azure_status",
    title="Azure status",
    kind="provider",
    docs=DOCS,
    options=PolledOptions,
    example=EXAMPLE,
    read=_read,
    watch=Watch(pages=only_itself, quiet="quiet", provider=PROVIDER),
)
