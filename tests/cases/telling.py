"""Cases of ``escalation.timeline`` that ask who else hears: how an alert ended, and of two who were paged at once."""

import re
from datetime import timedelta
from typing import Any, Final

from tests.cases.case import Case, NotYet, only, same, unless_decided
from tests.cases.company import Company
from tests.cases.stage import THEATRE, Stage

_CHANNELS: Final = ("sms", "email")
"""What a case calls its first and its second contact method."""
_LATER: Final = 60
_HOUR: Final = 3600


def endings(case: Case) -> None:
    """Who subscribed to the state of an alert, and still hears of its end. With us everyone does who was reached."""
    only("given", case.given, "user", "open_alerts")
    only("expect", case.expect, "messages", "never", "status_messages")
    user = case.given["user"]
    only("the user", user, "name", "status_updates", "contact_methods")
    company = Company(users={user["name"]: [{}]}, policies={"policy": _step(user["name"])}, services={"s": "policy"})
    if len(user.get("contact_methods", [])) == 2:
        company.users = {user["name"]: [{"channel": one} for one in _CHANNELS]}
        company.low = {user["name"]: [_CHANNELS[0]]}

    async def act(stage: Stage) -> None:
        for one in case.when["events"]:
            text = one if isinstance(one, str) else one["event"]
            await _pass(stage, stage.seconds() + _LATER if isinstance(one, str) else one["at_s"])
            await _event(stage, company, case, text)
        told = [f"{one['headline']} {one['text']}" for one in await stage.messages("closing")]
        with unless_decided("the end of an incident"):
            if "status_messages" in case.expect:
                same(told, case.expect["status_messages"])
            never = re.search(r"\((\w+)\)", case.expect.get("never", ""))
            if never:
                same([text for text in told if never[1] in text], [])
        pages = [page.text.lower() for page in await stage.paged()]
        for wanted in case.expect.get("messages", []):
            closed = re.fullmatch(r"closed \((\w+)\)", wanted)
            texts, word = ([text.lower() for text in told], closed[1]) if closed else (pages, wanted)
            same((wanted, any(word in text for text in texts)), (wanted, True))

    THEATRE.play(company.tree(), act, company.keys())


async def _pass(stage: Stage, until_s: float) -> None:
    """Let time pass; days in which nothing is asked pass at once."""
    ahead = timedelta(seconds=until_s - stage.seconds())
    if ahead > timedelta(days=1):
        await stage.sleep_through(ahead)
    await stage.until(until_s)


async def _event(stage: Stage, company: Company, case: Case, text: str) -> None:
    opened = re.fullmatch(r"alert (\w+) -> .*|both alerts notified", text)
    closed = re.fullmatch(r"close (\w+)", text)
    moved = re.fullmatch(r"status updates moved from cm1 to cm2", text)
    if opened:
        for title in [f"{opened[1]} alert"] if opened[1] else [f"{one} alert" for one in case.given["open_alerts"]]:
            await _tell(stage, company, title, "firing")
    elif closed:
        await _tell(stage, company, f"{closed[1]} alert", "resolved")
    elif moved:
        company.low = {name: [_CHANNELS[1]] for name in company.low}
        await stage.configure(company.tree())
    elif text != "cm2 stopped then started":
        raise NotYet(f"an event {text!r}")


async def _tell(stage: Stage, company: Company, title: str, status: str) -> None:
    said = {"title": title, "service": "s", "status": status}
    answer = await stage.ask("intake", "POST", "/v1/triggers", company.integration_key("s"), json=said)
    same((title, answer.status_code), (title, 202))


def together(case: Case) -> None:
    """Two who are paged at once, and one of them acknowledges: whom the rules go on to page."""
    only("given", case.given, "paged_users", "mode")
    only("expect", case.expect, "notified", "not_notified")
    users = case.given["paged_users"]
    match = re.fullmatch(r"(\w+) acknowledges", case.when["events"][0])
    if match is None or case.when["events"][1:] != ["rules of both users continue"]:
        raise NotYet(f"events {case.when['events']}")
    rules: list[dict[str, Any]] = [{"delay_min": 0, "channel": "sms"}, {"delay_min": 30, "channel": "sms"}]
    company = Company(
        users={one: list(rules) for one in users}, policies={"policy": _step(*users)}, services={"s": "policy"}
    )

    async def act(stage: Stage) -> None:
        await _tell(stage, company, "testing", "firing")
        before = len(await stage.paged())
        await stage.ask("escalator", "POST", "/v1/incidents/1/acknowledge", company.key_of(match[1]))
        await stage.until(_HOUR)
        after = [page.user for page in (await stage.paged())[before:]]
        same([user for user in case.expect["not_notified"] if user in after], [])
        with unless_decided("one acknowledgement"):
            same(sorted(after), sorted(case.expect["notified"]))

    THEATRE.play(company.tree(), act, company.keys())


def _step(*users: str) -> dict[str, Any]:
    return {"steps": [{"delay_min": None, "targets": list(users)}]}
