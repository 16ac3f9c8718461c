"""What would happen: the tester of the routing rules and simulations, over HTTP, and that a simulation is what happens."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from libs.common.events.incidents import CommunicationDue, EscalationDue, IncidentFact
from tests.integration.escalator_support import NINE_FIFTEEN, Rig, escalator_template, rig

__all__ = ["escalator_template", "rig"]

CHECKOUT = {"kind": "telemetry", "service": "checkout", "source": "alertmanager", "title": "Checkout answers 5xx"}
NIGHT = """
    - id: night
      name: Checkout at night goes to the platform team
      when: {service: checkout, during: {hours: 18:00-08:00, zone: Europe/Berlin}}
      first: [team:platform]
      ladder: standard
      clocks: standard
"""


def shipped(name: str) -> str:
    return Path(f"deploy/config/{name}").read_text()


def with_night() -> str:
    return shipped("routing.yaml").replace("  rules:\n", f"  rules:{NIGHT}", 1)


async def test_the_tester_says_which_rule_matches_and_why(rig: Rig) -> None:
    told = await rig.post("/v1/routing/test", situation=CHECKOUT, principal="watcher")
    route = told["in_force"]
    assert (route["rule"], route["first"], route["category"]) == ("telemetry", ["on-shift"], "service_down")
    assert [(rule["id"], rule["matched"], rule["decides"]) for rule in route["rules"][:3]] == [
        ("maintenance", False, False),
        ("telemetry", True, True),
        ("ticket", False, False),
    ]
    assert route["rules"][0]["checks"] == [
        {
            "field": "kind",
            "wanted": "maintenance",
            "seen": "telemetry",
            "held": False,
            "sentence": "kind is telemetry; wanted: maintenance, so this does not hold.",
        }
    ]
    assert [rung["since_opening"] for rung in route["ladder"]["rungs"]][:3] == ["PT0S", "PT5M", "PT15M"]
    assert told["proposed"] is None
    assert await rig.events(IncidentFact) == []


async def test_a_trigger_as_the_preview_shows_it_can_be_tried(rig: Rig) -> None:
    trigger = rig.trigger(title="SAP is down", kind="tool", tool="sap").model_dump(mode="json")
    told = await rig.post("/v1/routing/test", trigger={**trigger, "trigger_id": str(trigger["trigger_id"])})
    assert told["in_force"]["first"] == ["tool-pm"]
    del trigger["trigger_id"], trigger["delivery_id"]
    assert (await rig.post("/v1/routing/test", trigger=trigger))["in_force"]["rule"] == "tool"


@pytest.mark.parametrize(
    ("at", "rule", "differences"),
    [
        (
            "2026-11-29T23:50:00Z",
            "night",
            ["It goes to team:platform instead of on-shift (rule night instead of telemetry)."],
        ),
        ("2026-11-30T12:00:00Z", "telemetry", []),
    ],
)
async def test_a_change_can_be_tried_before_it_is_saved(rig: Rig, at: str, rule: str, differences: list[str]) -> None:
    told = await rig.post("/v1/routing/test", situation=CHECKOUT, at=at, files={"routing.yaml": with_night()})
    assert told["in_force"]["rule"] == "telemetry"
    assert (told["proposed"]["rule"], told["differences"]) == (rule, differences)
    assert (await rig.get("/v1/routing"))["routing"]["rules"][0]["id"] == "maintenance"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"files": {"routing.yaml": "routing: {}"}}, "routing.yaml:1: routing.default"),
        ({"files": {"people.yaml": "people: []"}}, "this service reads routing.yaml, ladders.yaml, clocks.yaml"),
        (
            {"files": {"ladders.yaml": "ladders: [{id: steep, name: S, rungs: [{name: A, roles: pm, after: 0s}]}]"}},
            "no ladder “standard”",
        ),
        ({"situation": {"colour": "red"}}, "colour"),
        ({"at": "2026-11-29T23:50:00"}, "at"),
        ({"at": "1066-10-14T09:00:00Z"}, "must lie between 1970 and 2200"),
    ],
)
async def test_what_cannot_be_tried_is_refused_with_a_sentence(rig: Rig, body: dict[str, Any], sentence: str) -> None:
    for path in ("/v1/routing/test", "/v1/simulations"):
        problem = await rig.post(path, status=422, **body)
        assert sentence in str(problem)


async def test_who_is_bound_to_tenants_cannot_try_the_rules_of_the_house(rig: Rig) -> None:
    for path in ("/v1/routing/test", "/v1/simulations"):
        assert "concerns the house" in (await rig.post(path, principal="acme", status=403))["detail"]


def due(facts: list[Any]) -> list[tuple[Any, ...]]:
    """What a reader sees of each thing that falls due, in an order of its own."""
    return sorted(
        (
            one.at.isoformat(),
            one.slot,
            getattr(one, "purpose", "page"),
            str(one.reason),
            one.text,
            str(getattr(one, "next_by", "")),
        )
        for one in facts
    )


def simulated(told: Any) -> list[tuple[Any, ...]]:
    return sorted(
        (
            step["at"].replace("Z", "+00:00"),
            step["slot"],
            step["purpose"],
            str(step["reason"]),
            step["text"],
            (step["next_by"] or "None").replace("Z", "+00:00").replace("T", " ") if step["purpose"] != "page" else "",
        )
        for step in told["steps"]
        if step["purpose"] and step["purpose"] != "closing"
    )


async def lived(rig: Rig) -> list[tuple[Any, ...]]:
    facts = await rig.events(IncidentFact)
    return due([one for one in facts if isinstance(one, EscalationDue | CommunicationDue)])


async def all_lived(rig: Rig) -> list[tuple[str, str, str]]:
    """Every fact, lines of the record too: when, what, why."""
    return sorted((one.at.isoformat(), one.type, str(one.reason)) for one in await rig.events(IncidentFact))


def all_simulated(told: Any) -> list[tuple[str, str, str]]:
    steps = [step for step in told["steps"] if step["purpose"] != "closing"]
    return sorted((step["at"].replace("Z", "+00:00"), step["what"], str(step["reason"])) for step in steps)


MAINTENANCE = {
    "kind": "maintenance",
    "title": "Database upgrade",
    "assigned_team": "platform",
    "window": {"starts_at": "2026-06-01T11:00:00Z", "ends_at": "2026-06-01T13:00:00Z"},
}


@pytest.mark.parametrize(
    "said", [CHECKOUT, {"kind": "ticket", "tenants": ["acme"]}, MAINTENANCE], ids=lambda said: said["kind"]
)
async def test_what_is_simulated_is_what_happens_while_nobody_answers(rig: Rig, said: dict[str, Any]) -> None:
    told = await rig.post("/v1/simulations", situation=said, lasting="9h")
    assert await rig.events(IncidentFact) == []
    await rig.fire(**{"service": None, **said})
    await rig.play(9 * 60)
    happened = await lived(rig)
    assert simulated(told) == happened
    assert all_simulated(told) == await all_lived(rig)
    assert len(happened) > 20
    assert not told["cut"]


async def test_what_is_simulated_is_what_happens_while_people_act(rig: Rig) -> None:
    acts: dict[str, Any] = {
        "acknowledge_after": "7m",
        "update_every": "19m",
        "resolve_after": "70m",
        "person": "rafael",
    }
    told = await rig.post("/v1/simulations", situation=CHECKOUT, audiences=["team", "client"], **acts)
    await rig.fire(service="checkout")
    await rig.play(7)
    await rig.post("/v1/incidents/1/acknowledge")
    await rig.play(12)
    for number in (1, 2, 3):
        body: dict[str, Any] = {"text": f"(update {number} of the team)", "audiences": ["client"]}
        await rig.post("/v1/incidents/1/updates", **body)
        await rig.play(19 if number < 3 else 13)
    await rig.post("/v1/incidents/1/resolve")
    await rig.play(25 * 60)
    assert simulated(told) == await lived(rig)
    assert all_simulated(told) == await all_lived(rig)
    closing = [step for step in told["steps"] if step["purpose"] == "closing"]
    assert [(step["after"], step["refs"]) for step in closing] == [("PT1H10M", [])]
    assert told["until"] == (NINE_FIFTEEN + timedelta(minutes=70, hours=25)).isoformat().replace("+00:00", "Z")


async def test_a_rung_that_nobody_hears_is_followed_by_the_next_at_once_as_it_is_live(rig: Rig) -> None:
    told = await rig.post("/v1/simulations", situation=CHECKOUT, unheard=["rung-2"], lasting="2h")
    await rig.fire(service="checkout")
    await rig.play(5)
    await rig.handle(rig.exhausted(await rig.incident(), reason="nobody_found"))
    await rig.play(115)
    assert simulated(told) == await lived(rig)
    rungs = [(step["rung"], step["after"], step["reason"]) for step in told["steps"] if step["rung"]]
    assert rungs[:4] == [
        (1, "PT0S", "opened"),
        (2, "PT5M", "unacknowledged"),
        (3, "PT5M", "nobody_found"),
        (4, "PT15M", "unacknowledged"),
    ]


async def test_a_plan_says_which_triggers_would_find_others_and_which_rungs_come_at_another_time(rig: Rig) -> None:
    await rig.fire(service="checkout", title="Checkout answers 5xx")
    files = {
        "routing.yaml": with_night(),
        "ladders.yaml": shipped("ladders.yaml").replace("after: 5m", "after: 7m"),
        "clocks.yaml": shipped("clocks.yaml").replace("every: 24h", "every: 12h"),
    }
    told = await rig.ask("POST", "/v1/config/check", {"files": files}, principal="root")
    effects = "\n".join(told["effects"])
    assert "A telemetry alarm for checkout" in effects
    assert (
        "goes to team:platform instead of on-shift (rule night instead of telemetry) (as on Mon 2026-06-01 16:00 UTC)"
        in effects
    )
    assert (
        "Ladder standard: rung 2 (Responsible for the service) comes 7 minutes after the opening instead of 5 minutes"
        in effects
    )
    assert "Clocks standard: the RCA status comes every 12 h instead of every 24 h." in effects
    assert "tenant status" not in effects
