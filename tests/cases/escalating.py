"""Driver: what happens to an alert over time, and who is paged when."""

import re
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

from libs.common.errors import Misconfigured
from tests.cases import telling
from tests.cases.case import Case, Decided, NotYet, only, same, unless_decided
from tests.cases.company import Company
from tests.cases.rotas import rota_of, slug
from tests.cases.stage import THEATRE, Page, Refused, Stage

TICK: Final = 1.0
"""Seconds by which a system's own tick may be late."""
PAUSE: Final = 60
"""Seconds between events of which a case does not say when they are."""
SERVICE: Final = "service"
MULTI_ACK: Final = (
    "a step that everybody has to acknowledge for themselves: one acknowledgement stops the ladder for everyone"
)
_GIVEN: Final = (
    "policy", "policies", "user_rules", "service", "alert_state", "service_maintenance_until_s", "monitors", "schedule",
)  # fmt: skip
_EXPECT: Final = (
    "notifications", "total", "until_s", "none_before_s", "none_between_s", "never", "alert_state", "manual_escalate",
    "escalate_empty_policy", "note",
)  # fmt: skip
_MISSING: Final = {
    "ack_reminder_s": "nobody is reminded of what they acknowledged, and no acknowledgement runs out",
    "bundle_channels": "pages are not bundled: each of them leaves at once",
    "bundle": "pages are not bundled: each of them leaves at once",
}


def timeline(case: Case) -> None:
    """``escalation.timeline``: events over time, and the complete list of who is paged."""
    for name, why in _MISSING.items():
        if name in case.given:
            raise NotYet(why)
    if "user" in case.given:
        telling.endings(case)
    elif "paged_users" in case.given:
        telling.together(case)
    else:
        _play(case)


def _play(case: Case) -> None:
    only("given", case.given, *_GIVEN)
    only("expect", case.expect, *_EXPECT)
    company = company_of(case)
    events = [(_second(one), one if isinstance(one, str) else one["event"]) for one in case.when["events"]]
    steps = [step for policy in company.policies.values() for step in policy["steps"]]
    if any(re.search(r"\back", text) for _, text in events) and any(step.get("multi_ack") for step in steps):
        raise NotYet(MULTI_ACK)

    async def act(stage: Stage) -> None:
        run = Run(stage, company, case)
        for second, text in events:
            await run.event(second, text)
        await run.judge()

    try:
        THEATRE.play(company.tree(), act, company.keys())
    except Refused as refused:
        empty = not all(policy["steps"] for policy in company.policies.values()) or not all(
            step["targets"] for step in steps
        )
        if "the first step is taken at once" in str(refused):
            raise Decided("a contact that waits") from refused
        if empty and "ladders.yaml" in str(refused):
            raise Decided("an empty ladder") from refused
        raise


def company_of(case: Case) -> Company:
    """The users, policies and services of a case of this kind."""
    given = case.given
    policies = dict(given.get("policies") or {"policy": given.get("policy")})
    for name, policy in policies.items():
        if isinstance(policy, str):
            policies[name] = {"steps": []} if policy == "no steps" else {"steps": [{"targets": []}]}
    company = Company(users=dict(given.get("user_rules", {})), policies=policies)
    if "schedule" in given:
        _schedule(company, given["schedule"], case)
    chosen = given.get("service") or (None if "policies" in given else "policy")
    company.services = {SERVICE: chosen} if chosen else {f"service-{name}": name for name in policies}
    for monitor in given.get("monitors", []):
        only("a monitor", monitor, "name", "timeout_min", "muted")
        company.sources.append(
            {
                "id": slug(monitor["name"]),
                "name": monitor["name"],
                "source": "heartbeat",
                "options": {"every": f"{monitor['timeout_min']}m", "grace": "0s", "enabled": not monitor.get("muted")},
                "key": {"env": f"TOCSIN_KEY_MONITOR_{slug(monitor['name']).upper()}"},
            }
        )
    return company


def _schedule(company: Company, schedule: dict[str, Any], case: Case) -> None:
    only("a schedule", schedule, "time_zone", "layers", "replacement_windows")
    rota = rota_of(schedule)
    company.rotas.append(rota.model_dump(mode="json", exclude_defaults=True))
    said = str(case.when) + str(schedule)
    named = re.findall(r"[\w-]+-user\b|set to ([\w-]+)", said)
    people = [one for layer in rota.layers for turn in layer.people for one in turn]
    people += [one["user"] for one in schedule.get("replacement_windows", [])]
    people += [one for one in named if one] + re.findall(r"window set to ([\w-]+)", said)
    for one in dict.fromkeys(people):
        company.users.setdefault(one, [{}])


def _second(event: Any) -> float | None:
    return event.get("at_s") if isinstance(event, dict) else None


@dataclass
class Run:
    """A case under way."""

    stage: Stage
    company: Company
    case: Case
    stopped: bool = False
    before: int = 0
    """How many pages had left before the case began to count."""
    marks: list[int] = field(default_factory=list)
    """How many pages had left before each event."""
    answers: dict[str, int] = field(default_factory=dict)
    changed: str | None = None
    """The trait of what was changed on the way."""
    alerts: list[str] = field(default_factory=list)
    maintained: bool = False
    spans: list[str] = field(default_factory=list)

    async def event(self, second: float | None, text: str) -> None:
        """Go on to the event, and do it."""
        if not self.marks:
            await self._prepare()
        if second is None:
            second = self.stage.seconds() + (PAUSE if self.marks else 0)
        if self.stopped:
            await self.stage.sleep_through(timedelta(seconds=max(second - self.stage.seconds(), 0)))
            self.stopped = False
        await self.stage.until(second)
        self.marks.append(len(await self.stage.paged()))
        for part in text.split("; "):
            await self._do(part)

    async def _prepare(self) -> None:
        until = self.case.given.get("service_maintenance_until_s")
        if until is not None:
            await self._maintain("planned", until)
        for window in self.case.given.get("schedule", {}).get("replacement_windows", []):
            only("a replacement window", window, "covers", "user")
            await self._replace(window["user"])

    async def _do(self, text: str) -> None:
        for pattern, act in EVENTS:
            match = re.fullmatch(pattern, text)
            if match is not None:
                await act(self, match)
                return
        raise NotYet(f"an event {text!r}")

    async def alert(self, match: re.Match[str]) -> None:
        """An alert fires; one that exists acknowledged was taken before the case begins."""
        title = match["title"] or match["name"] or "testing"
        await self.fire(title, {"dedup_key": match["key"]} if match["key"] else {})
        if match["taken"]:
            await self.stage.act((await self.stage.incidents())[-1]["number"], "acknowledge")
            self.before = len(await self.stage.paged())

    async def alert_on_each(self, match: re.Match[str]) -> None:  # noqa: ARG002 - all events are called alike
        """An alert for every policy."""
        for service in self.company.services:
            await self.fire("correct", {}, service)

    async def fire(self, title: str, said: dict[str, Any], service: str = "") -> None:
        """An alert comes in through the integration of a service."""
        service = service or next(iter(self.company.services))
        self.alerts.append(title)
        answer = await self.stage.ask(
            "intake", "POST", "/v1/triggers", self.company.integration_key(service),
            json={"title": title, "service": slug(service), "status": "firing", **said},
        )  # fmt: skip
        same(("the alert", answer.status_code), ("the alert", 202))

    async def act(self, match: re.Match[str]) -> None:
        """Somebody acknowledges or closes."""
        verb = "acknowledge" if match["verb"].startswith("ack") else "resolve"
        if match["who"] not in self.company.users:
            raise NotYet(f"somebody called {match['who']!r}")
        newest = (await self.stage.incidents())[-1]["number"]
        path = f"/v1/incidents/{newest}/{verb}"
        answer = await self.stage.ask("escalator", "POST", path, self.company.key_of(match["who"]))
        same((match[0], answer.is_success), (match[0], True))

    async def close_by_key(self, match: re.Match[str]) -> None:
        """Its sender says that it is over."""
        key = self.company.integration_key(next(iter(self.company.services)))
        said = {"status": "resolved", "dedup_key": match["key"]}
        await self.stage.ask("intake", "POST", "/v1/triggers", key, json=said)

    async def escalate(self, match: re.Match[str]) -> None:
        """Somebody wants the next step now."""
        listed = [one for one in await self.stage.incidents() if one["title"] in self.alerts]
        number = listed[-1]["number"] if listed else len(await self.stage.incidents()) + 1
        wanted = match.groupdict().get("step")
        body = {"rung": int(wanted)} if wanted else None
        answer = await self.stage.ask("escalator", "POST", f"/v1/incidents/{number}/escalate", json=body)
        self.answers["manual_escalate"] = answer.status_code

    async def stop(self, match: re.Match[str]) -> None:  # noqa: ARG002
        """Nothing runs until the next event."""
        self.stopped = True

    async def run(self, match: re.Match[str]) -> None:
        """Everything runs again: the time that passed was slept through."""

    async def move_service(self, match: re.Match[str]) -> None:
        """The service has another policy."""
        self.company.services = dict.fromkeys(self.company.services, match["policy"])
        self.changed = "a policy that changes"
        await self._reconfigure()

    async def add_rules(self, match: re.Match[str]) -> None:
        """Somebody adds rules of their own."""
        self.changed = "a chain that changes"
        (user,) = self.company.users
        more = [{"delay_min": int(one), "channel": "sms"} for one in re.findall(r"(\d+) min", match[0])]
        self.company.users[user] = [*self.company.users[user], *more]
        await self._reconfigure()

    async def _reconfigure(self) -> None:
        try:
            await self.stage.configure(self.company.tree())
        except Misconfigured as error:
            raise Refused(error.detail) from error

    async def end_maintenance(self, match: re.Match[str]) -> None:  # noqa: ARG002
        """The maintenance is over before its time."""
        await self._maintain("completed", self.case.given["service_maintenance_until_s"])

    async def _maintain(self, status: str, until_s: float) -> None:
        now = self.stage.clock.now()
        start = now - timedelta(seconds=self.stage.seconds())
        said = {
            "maintenance_id": "upkeep", "title": "Upkeep", "status": status, "services": [slug(SERVICE)],
            "assigned_team": "upkeep",
            "window": {"starts_at": start.isoformat(), "ends_at": (start + timedelta(seconds=until_s)).isoformat()},
        }  # fmt: skip
        key = self.company.integration_key("maintenance")
        answer = await self.stage.ask("intake", "POST", "/v1/maintenance", key, json=said)
        same(("the maintenance", answer.status_code), ("the maintenance", 202))

    async def beat(self, match: re.Match[str]) -> None:
        """Monitors are heard of."""
        named = [one["id"] for one in self.company.sources]
        chosen = named if match["what"] in {"both monitors", "all monitors"} else [slug(match["what"])]
        for name in chosen:
            if name not in named:
                raise NotYet(f"a monitor called {name!r}")
            await self.stage.ask("intake", "POST", "/v1/hooks/heartbeat", self.company.integration_key(name))

    async def replace(self, match: re.Match[str]) -> None:
        """A replacement window says who is on call, or none does any more."""
        for span in self.spans:
            await self.stage.ask("oncall", "DELETE", span)
        self.spans.clear()
        if match.groupdict().get("user"):
            await self._replace(match["user"])

    async def _replace(self, user: str) -> None:
        now = self.stage.clock.now()
        span = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=1)).isoformat()}
        path = f"/v1/schedules/{self.company.rotas[0]['id']}/spans"
        said = {**span, "shifts": [{**span, "person": slug(user)}]}
        answer = await self.stage.ask("oncall", "POST", path, json=said)
        same(("the replacement window", answer.status_code), ("the replacement window", 201))
        self.spans.append(f"{path}/{answer.json()['id']}")

    async def judge(self) -> None:
        """Compare who was paged with who should have been."""
        expect = self.case.expect
        wanted = expect.get("notifications", [])
        ends = [one["at_s"] for one in wanted if "at_s" in one]
        await self.stage.until(max([*ends, expect.get("until_s", 0), self.stage.seconds()]) + TICK)
        pages = [page for page in (await self.stage.paged())[self.before :] if page.user in self.company.users]
        if any("after" in one for one in wanted):
            await self._judge_after(wanted)
        elif self.changed:
            with unless_decided(self.changed):
                compare(pages, wanted)
        else:
            compare(pages, wanted)
        if "total" in expect:
            same(("total", len(pages)), ("total", expect["total"]))
        for never in expect.get("never", []):
            same((never, [page.user for page in pages if page.user == never["user"]]), (never, []))
        for name in ("manual_escalate", "escalate_empty_policy"):
            if name in expect:
                refused = self.answers["manual_escalate"] >= 400
                same((name, "error" if refused else "ok"), (name, str(expect[name]).split(":")[0]))
        if "alert_state" in expect:
            states = {"open": "triggered", "acknowledged": "acknowledged", "resolved": "closed"}
            found = states[(await self.stage.incidents())[-1]["state"]]
            called = "manual_escalate" in self.answers and found == "acknowledged"
            with unless_decided("a holder who escalates") if called else nullcontext():
                same(("alert_state", found), ("alert_state", expect["alert_state"]))

    async def _judge_after(self, wanted: list[dict[str, Any]]) -> None:
        """Who was paged by each event, one after the other."""
        pages = await self.stage.paged()
        edges = [*self.marks, len(pages)]
        found = [sorted({page.user for page in pages[begin:end]}) for begin, end in pairwise(edges)]
        same(found, [sorted(one["users"]) for one in wanted])


Event = Callable[[Run, re.Match[str]], Awaitable[None]]
EVENTS: Final[list[tuple[str, Event]]] = [
    (r"one alert on each policy", Run.alert_on_each),
    (
        (
            r"(?:create )?alert(?: '(?P<title>[^']+)'| (?P<name>\w+(?<!exists)))?(?: created| opens| fires)?"
            r"(?: exists(?P<taken> acknowledged)?)?(?: with key (?P<key>\S+))?"
        ),
        Run.alert,
    ),
    (r"(?P<who>[\w-]+) (?P<verb>acks|acknowledges|closes|resolves)(?: (?:it|the alert))?", Run.act),
    (r"close by key (?P<key>\S+)", Run.close_by_key),
    (r"manual escalate(?: from step \d+| to step (?P<step>\d+)| of the alert.*)?", Run.escalate),
    (r"engine stops", Run.stop),
    (r"engine runs again", Run.run),
    (r"service -> (?P<policy>[\w-]+)", Run.move_service),
    (r"add rules? at \d+ min(?:(?:,| and) \d+ min)*", Run.add_rules),
    (r"maintenance (?:cleared|ends)", Run.end_maintenance),
    (r"beat on (?P<what>.+)", Run.beat),
    (r"replacement windows? set to (?P<user>[\w-]+)", Run.replace),
    (r"replacement windows? cleared", Run.replace),
]
"""What an event of a case may say. Anything else is not yet there."""


def compare(pages: list[Page], wanted: list[dict[str, Any]]) -> None:
    """The pages are exactly those, each when it was to be; what leaves at one time has no order."""
    for one in wanted:
        only("a notification", one, "at_s", "user", "channel", "contains")
    left = sorted(pages, key=lambda page: (page.at_s, page.user, page.channel))
    listed = sorted(wanted, key=lambda one: (one["at_s"], one["user"], one.get("channel", "")))
    found = [(page.at_s, page.user, page.channel) for page in left]
    same(len(found) and found, len(listed) and [_due(one, found, place) for place, one in enumerate(listed)])
    for page, one in zip(left, listed, strict=True):
        words = one.get("contains", "").lower().split()
        missing = [word for word in words if word not in page.text.lower()]
        same((one.get("contains"), missing), (one.get("contains"), []))


def _due(one: dict[str, Any], found: list[tuple[float, str, str]], place: int) -> tuple[float, str, str]:
    """The notification, at the time at which it came where that is within the tick."""
    came = found[place][0] if place < len(found) else one["at_s"]
    moment = came if 0 <= came - one["at_s"] <= TICK else one["at_s"]
    return moment, one["user"], one.get("channel", found[place][2] if place < len(found) else "")
