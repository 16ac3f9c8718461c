"""The feed of any status page, RSS 2.0 or Atom: Statuspage's, Instatus', and those that follow their habits."""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from services.intake.domain.polling import Watch, only_itself
from services.intake.domain.trigger import Reading
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.feeds import Entry, feed_of, guessed_severity
from services.intake.sources.watched import ASKING, POLLED, WATCHED, Notice, PolledOptions, reading_of

OVER: Final = frozenset(
    {
        "resolved",
        "completed",
        "complete",
        "postmortem",
        "post-mortem",
        "mitigated",
        "fixed",
        "closed",
        "canceled",
        "cancelled",
    }
)
PLANNED: Final = frozenset(
    {"scheduled", "in progress", "verifying", "planned", "maintenance", "completed", "upcoming", "not started yet"}
)
OPEN: Final = frozenset({"investigating", "identified", "monitoring", "update", "open", "new", "ongoing", "watching"})

LEADING: Final = re.compile(r"\W*(?:incident\W+)?([a-z][a-z -]{2,16}?)\s*[\])}:-]", re.IGNORECASE)
"""The word with which a title or a text may begin: ``[RESOLVED] …``, ``Resolved: …``, ``Resolved - …``."""

MARKED: Final = re.compile(r"\[\s*(resolved|completed|mitigated|fixed|closed|cancell?ed)\s*\]", re.IGNORECASE)
"""As it stands within a title: ``Service is operating normally: [RESOLVED] …``."""

SAID: Final = re.compile(r"\bstatus\s*:\s*(?:maintenance\s+)?([a-z]+(?: [a-z]+){0,2})", re.IGNORECASE)
"""As it stands in a text: ``Status: Resolved``, ``Status: Maintenance in progress``."""

NORMAL: Final = "service is operating normally"
"""How the titles of Amazon's feeds begin once all is well."""

PREFIX: Final = re.compile(
    r"^(?:service is operating normally|informational message|performance issues|service disruption)\s*:\s*",
    re.IGNORECASE,
)
AMAZON: Final = re.compile(r"^https?://status\.aws\.amazon\.com/#([a-z0-9-]+)_\d+$")
UPDATE: Final = re.compile(r"#update-\w+$")
"""Behind the id of an incident, where a feed has an entry for each update of it."""

STALE: Final = timedelta(days=7)
"""What nobody has touched for so long is not news, whatever its last word was."""

WORDLESS: Final = timedelta(days=1)
"""As :data:`STALE`, for entries that do not say how they stand."""


def _read(arrival: Arrival[PolledOptions]) -> Reading:
    try:
        feed = feed_of(arrival.headers, arrival.body)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    provider = feed.title.partition(" - ")[0].partition(" Status")[0].lower()
    return reading_of([_notice(entry, provider, arrival) for entry in _newest(feed.entries)], arrival)


def _newest(entries: Iterable[Entry]) -> Iterable[Entry]:
    """Of several entries about one incident that with which it stands now; feeds begin with the newest."""
    found: dict[str, Entry] = {}
    for entry in entries:
        before = found.get(known_as(entry))
        if before is None or (entry.touched and before.touched and entry.touched > before.touched):
            found[known_as(entry)] = entry
    return found.values()


def known_as(entry: Entry) -> str:
    """What tells the incident of an entry from others, from its first word to its last."""
    name = UPDATE.sub("", entry.id) or entry.link or entry.title
    amazon = AMAZON.match(name)
    if amazon is None:
        return name
    # each of Amazon's entries has an id of its own; what they have in common is the service and the region, and what is wrong
    return f"{amazon[1]}/{MARKED.sub('', PREFIX.sub('', entry.title)).strip()}"


def _notice(entry: Entry, provider: str, arrival: Arrival[PolledOptions]) -> Notice:
    word = standing(entry)
    silent = arrival.now - entry.touched if entry.touched else timedelta(0)
    planned = word in PLANNED
    passed = ""
    if word not in OVER and not planned and silent > (STALE if word else WORDLESS):
        passed = f"Nothing was said of it for {silent.days} days; it opens nothing."
    return Notice(
        key=known_as(entry),
        firing=word not in OVER,
        title=entry.title,
        description=entry.text,
        severity="info" if planned else guessed_severity((entry.title, entry.text)),
        provider=provider,
        names=(*entry.categories, entry.title),
        parts=entry.categories,
        maintenance=planned,
        ending="cancelled" if word.startswith("cancel") else "completed",
        follow_up=entry.text if entry.updated and entry.published and entry.updated > entry.published else "",
        link=entry.link,
        labels={"status": word},
        started_at=entry.published or entry.updated,
        ended_at=entry.updated if word in OVER else None,
        passed_over=passed,
    )


def standing(entry: Entry) -> str:
    """How the incident stands, in the page's word; empty where the entry does not say."""
    said = (SAID.match(entry.strong), MARKED.search(entry.title), SAID.search(entry.text))
    words = [entry.strong.lower(), "resolved" if entry.title.lower().startswith(NORMAL) else ""]
    words += [found[1].lower() for text in (entry.title, entry.text) if (found := LEADING.match(text))]
    words += [found[1].lower() for found in said if found]
    return next((word for word in map(str.strip, words) if word in OVER | PLANNED | OPEN), "")


DOCS: Final = f"""
Nearly every status page has a feed: `history.atom` or `history.rss` on pages of Statuspage and Instatus, `feed` or `rss` elsewhere. RSS 2.0 and Atom are read.
Where the page is Statuspage's own, [`statuspage`](statuspage.md) says more; for Azure and Google Cloud there are [`azure_status`](azure_status.md) and
[`gcp_status`](gcp_status.md).

## Set it up

```yaml
  - id: proofs-status
    name: The status page of the proofs
    source: feed
    options:
      url: https://status.example.com/history.atom
      components:
        "*": {{service: proofing}}
```

## What is read

| Tocsin | from an entry |
|---|---|
| dedup key | `id` or `guid`, else its link; of several entries about one incident (`…#update-7`) the newest counts; of Amazon's feeds the service, its region and what is wrong |
| status | the first word in bold, else the word with which title or text begin, `[Resolved]` in a title, or `Status: Resolved`: Resolved, Completed, Mitigated, Postmortem and Cancelled resolve |
| title, description | its title, its text without markup |
| severity | guessed from words: outage is critical, errors is error, degraded is warning; else `default_severity` |
| components | its categories and its title, through the mapping: `"*Viewer*"` finds a word in a title |
| link | its link |

Scheduled, In progress and Verifying are maintenance. An entry that says nothing of how it stands is news for a day, one that is said to be open for seven days
after its last change; what is older opens nothing. An HTML page, an empty body, broken XML and any other root are refused: none of them means that all is well.
{ASKING}
## Options

{POLLED.strip()}

{WATCHED.strip()}
"""

EXAMPLE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <id>tag:status.proofs.example,2005:/history</id>
  <title>Proofs Status - Incident History</title>
  <updated>2026-03-02T09:12:00Z</updated>
  <entry>
    <id>tag:status.proofs.example,2005:Incident/21148992</id>
    <published>2026-03-02T09:10:00Z</published>
    <updated>2026-03-02T09:12:00Z</updated>
    <link rel="alternate" type="text/html" href="https://status.proofs.example/incidents/k1mlxlmdhqqp"/>
    <title>Proofs cannot be opened</title>
    <content type="html">&lt;p&gt;&lt;small&gt;Mar 2, 09:12 UTC&lt;/small&gt;&lt;br&gt;&lt;strong&gt;Identified&lt;/strong&gt; - We have found the cause.&lt;/p&gt;</content>
  </entry>
</feed>
"""

SOURCE: Final = Source(
    name="feed",
    title="Any status page's feed",
    kind="provider",
    docs=DOCS,
    options=PolledOptions,
    example=EXAMPLE,
    read=_read,
    watch=Watch(pages=only_itself, quiet="quiet"),
)
