"""Scheduled maintenance on a real PostgreSQL: one record that is announced, moved, begun, ended and called off by the same id."""

import asyncio
from typing import Any

import pytest

from libs.common.events.incidents import (
    CommunicationDue,
    EscalationDue,
    IncidentOpened,
    IncidentResolved,
    MaintenanceBegun,
    WindowMoved,
)
from tests.integration.escalator_support import Rig, escalator_template, rig

__all__ = ["escalator_template", "rig"]

EVENING = {"starts_at": "2026-06-01T20:00:00Z", "ends_at": "2026-06-01T22:00:00Z"}
NEXT_DAY = {"starts_at": "2026-06-02T20:00:00Z", "ends_at": "2026-06-02T22:00:00Z"}
UPGRADE: dict[str, Any] = {
    "dedup_key": "CHG-1",
    "kind": "maintenance",
    "integration_id": "changes",
    "integration_name": "Change calendar",
    "source": "native",
    "title": "Database upgrade",
    "service": "documents",
    "services": ["documents", "search"],
    "assigned_team": "platform",
    "window": EVENING,
}


async def announce(rig: Rig, **said: Any) -> None:
    await rig.handle(rig.trigger(**{**UPGRADE, **said}))


async def record(rig: Rig, principal: str = "rafael") -> Any:
    [found] = (await rig.get("/v1/maintenances", principal))["maintenances"]
    return found


async def told(rig: Rig, purpose: str) -> list[CommunicationDue]:
    return [each for each in await rig.events(CommunicationDue) if each.purpose == purpose]


async def test_an_announcement_is_one_record_with_its_incident(rig: Rig) -> None:
    await announce(rig, tenants=["acme"])
    found = await record(rig)
    assert (found["state"], found["external_id"], found["integration_id"]) == ("planned", "CHG-1", "changes")
    assert (found["services"], found["tenants"], found["assigned_team"]) == (
        ["documents", "search"],
        ["acme"],
        "platform",
    )
    assert (found["window"], found["incident_number"], found["revision"]) == (EVENING, 1, 0)
    incident = await rig.incident()
    assert incident.maintenance is not None
    assert str(incident.maintenance.id) == found["id"]
    assert incident.services == ("documents", "search")


async def test_the_same_announcement_again_is_no_news(rig: Rig) -> None:
    await announce(rig)
    before = await rig.facts()
    await announce(rig)
    assert await rig.facts() == before
    assert len(await rig.events(IncidentOpened)) == 1


async def test_another_window_under_the_same_id_moves_the_record_and_tells_the_team_once(rig: Rig) -> None:
    await announce(rig)
    await announce(rig, window=NEXT_DAY)
    await announce(rig, window=NEXT_DAY)
    [moved] = await rig.events(WindowMoved)
    assert (moved.reason, moved.actor.name) == ("window_moved", "Change calendar")
    assert moved.text == (
        "Change calendar moved it: now it is 2 Jun 20:00 UTC to 2 Jun 22:00 UTC, before it was 20:00 UTC to 22:00 UTC."
    )
    [update] = await told(rig, "update")
    assert (update.audience, update.words, update.reason) == (("first",), moved.text, "window_moved")
    found = await record(rig)
    assert (found["window"], found["revision"], found["incident_number"]) == (NEXT_DAY, 1, 1)


async def test_everyone_who_was_reached_hears_of_the_move(rig: Rig) -> None:
    await announce(rig)
    await rig.handle(rig.sent(await rig.incident(), "Chen"))
    await announce(rig, window=NEXT_DAY)
    [update] = await told(rig, "update")
    assert update.audience == ("first", "person:chen")


async def test_after_a_move_nothing_comes_at_the_old_times(rig: Rig) -> None:
    await announce(rig)
    await announce(rig, window=NEXT_DAY)
    await rig.play(24 * 60)
    assert await rig.events(MaintenanceBegun) == []
    assert [each.rung for each in await rig.events(EscalationDue)] == [1]
    assert await told(rig, "status") == []
    assert await told(rig, "reminder") == []
    await rig.play(11 * 60 + 46)
    [begun] = await rig.events(MaintenanceBegun)
    assert f"{begun.at:%d %H:%M}" == "02 20:00"
    [status] = await told(rig, "status")
    assert (status.obligation, f"{status.at:%d %H:%M}") == ("maintenance_status", "02 21:00")


async def test_a_maintenance_begins_runs_and_is_asked_after_at_its_planned_end(rig: Rig) -> None:
    await announce(rig)
    await rig.play(10 * 60 + 46)
    assert (await record(rig))["state"] == "running"
    [begun] = await rig.events(MaintenanceBegun)
    assert begun.text == "The maintenance has begun; it is planned to end by 22:00 UTC."
    await rig.play(120)
    [reminder] = await told(rig, "reminder")
    assert (reminder.reason, reminder.slot) == ("window_over", "window-end-20260601T220000")
    await announce(rig, window={**EVENING, "ends_at": "2026-06-01T23:30:00Z"})
    assert (await record(rig))["state"] == "running"
    await rig.play(90)
    assert [each.slot for each in await told(rig, "reminder")][1:] == ["window-end-20260601T233000"]


async def test_a_begin_that_an_outage_hid_is_noted_late_and_once(rig: Rig) -> None:
    await announce(rig)
    await rig.outage(11 * 60)
    [begun] = await rig.events(MaintenanceBegun)
    assert begun.text.startswith("The maintenance has begun, noted 15 minutes late")


@pytest.mark.parametrize(
    ("minutes", "ending", "state"),
    [(0, "cancelled", "cancelled"), (0, None, "cancelled"), (11 * 60, "completed", "over"), (11 * 60, None, "over")],
)
async def test_the_sender_ends_it_and_those_who_were_reached_get_the_closing_word(
    rig: Rig, minutes: int, ending: str | None, state: str
) -> None:
    await announce(rig)
    await rig.handle(rig.sent(await rig.incident(), "Chen"))
    await rig.play(minutes)
    await announce(rig, status="resolved", ending=ending, window=None)
    found = await record(rig)
    assert found["state"] == state
    [resolved] = await rig.events(IncidentResolved)
    assert resolved.reason == ("maintenance_cancelled" if state == "cancelled" else "maintenance_over")
    [closing] = await told(rig, "closing")
    assert closing.audience == ("person:chen",)
    await rig.play(3 * 24 * 60)
    assert len(await rig.events(MaintenanceBegun)) == (1 if minutes else 0)
    assert not await told(rig, "rca_status")


async def test_a_lower_sequence_is_passed_over_and_the_next_counts(rig: Rig) -> None:
    await announce(rig, sequence=4)
    await announce(rig, sequence=3, window=NEXT_DAY)
    assert (await record(rig))["window"] == EVENING
    await announce(rig, sequence=5, window=NEXT_DAY)
    assert (await record(rig))["window"] == NEXT_DAY


async def test_what_is_over_already_opens_nothing(rig: Rig) -> None:
    await announce(rig, window={"starts_at": "2015-10-10T08:00:00Z", "ends_at": "2015-10-10T10:00:00Z"})
    assert await rig.events(IncidentOpened) == []


async def test_what_was_ended_here_is_not_opened_again_by_the_same_words(rig: Rig) -> None:
    await announce(rig)
    await rig.post("/v1/incidents/1/resolve")
    await announce(rig)
    assert len(await rig.events(IncidentOpened)) == 1
    await announce(rig, window=NEXT_DAY)
    assert len(await rig.events(IncidentOpened)) == 2


async def test_what_was_ended_here_and_then_by_its_sender_can_be_announced_again(rig: Rig) -> None:
    await announce(rig)
    await rig.post("/v1/incidents/1/resolve")
    await announce(rig, status="resolved", ending="cancelled")
    await announce(rig)
    assert len(await rig.events(IncidentOpened)) == 2


async def test_what_its_sender_called_off_can_be_announced_again(rig: Rig) -> None:
    await announce(rig)
    await announce(rig, status="resolved", ending="cancelled")
    await announce(rig)
    states = [each["state"] for each in (await rig.get("/v1/maintenances"))["maintenances"]]
    assert states == ["planned", "cancelled"]


async def test_two_replicas_that_move_it_at_once_leave_one_record(rig: Rig) -> None:
    await announce(rig)
    later = [rig.trigger(**{**UPGRADE, "window": NEXT_DAY}) for _ in range(4)]
    await asyncio.gather(*(rig.handle(each) for each in later))
    assert len(await rig.events(WindowMoved)) == 1


async def test_an_announced_outage_of_a_tool_is_moved_and_begins_when_its_owner_says_so(rig: Rig) -> None:
    sap: dict[str, Any] = {"kind": "tool", "tool": "sap", "service": None, "title": "SAP", "dedup_key": "sap"}
    await rig.handle(rig.trigger(**sap, window=EVENING))
    [page] = await rig.events(EscalationDue)
    assert page.incident.first == ("tool-pm",)
    await rig.handle(rig.trigger(**sap, window=NEXT_DAY))
    await rig.play(12 * 60)
    assert len(await rig.events(EscalationDue)) == 1
    await rig.handle(rig.trigger(**sap))
    await rig.play(6)
    assert [(each.rung, each.reason) for each in await rig.events(EscalationDue)] == [
        (1, "opened"),
        (2, "unacknowledged"),
    ]
    assert (await rig.get("/v1/maintenances"))["maintenances"] == []


class TestOverHttp:
    async def test_an_operator_announces_moves_and_calls_off(self, rig: Rig) -> None:
        body: dict[str, Any] = {
            "title": "New disks",
            "window": EVENING,
            "services": ["documents"],
            "assigned_team": "platform",
        }
        made = await rig.post("/v1/maintenances", status=201, **body)
        assert (made["state"], made["integration_id"], made["services"]) == ("planned", "person:rafael", ["documents"])
        moved = await rig.ask(
            "PATCH", f"/v1/maintenances/{made['id']}", {"window": NEXT_DAY, "assigned_team": "network"}
        )
        assert (moved["window"], moved["assigned_team"], moved["revision"]) == (NEXT_DAY, "network", 1)
        assert len(await told(rig, "update")) == 1
        off = await rig.post(f"/v1/maintenances/{made['id']}/cancel", note="No disks came.")
        assert off["state"] == "cancelled"
        again = await rig.post(f"/v1/maintenances/{made['id']}/cancel")
        assert again == off
        full = await rig.get(f"/v1/maintenances/{made['id']}")
        assert "Rafael called the maintenance off. No disks came." in [line["text"] for line in full["timeline"]]
        await rig.ask("PATCH", f"/v1/maintenances/{made['id']}", {"window": EVENING}, status=409)

    async def test_the_same_external_id_is_the_same_maintenance(self, rig: Rig) -> None:
        body: dict[str, Any] = {
            "title": "New disks",
            "window": EVENING,
            "assigned_team": "platform",
            "external_id": "CHG-9",
        }
        first = await rig.post("/v1/maintenances", status=201, **body)
        again = await rig.post("/v1/maintenances", status=200, **body)
        moved = await rig.post("/v1/maintenances", status=200, **{**body, "window": NEXT_DAY})
        assert (again, moved["id"], moved["window"]) == (first, first["id"], NEXT_DAY)

    async def test_it_is_completed_while_it_runs(self, rig: Rig) -> None:
        await announce(rig)
        await rig.play(11 * 60)
        done = await rig.post(f"/v1/maintenances/{(await record(rig))['id']}/complete")
        assert done["state"] == "over"

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"window": {"starts_at": EVENING["ends_at"], "ends_at": EVENING["starts_at"]}}, "#/window"),
            ({"window": {"starts_at": "2015-10-10T08:00:00Z", "ends_at": "2015-10-10T09:00:00Z"}}, "#/window/ends_at"),
            ({"assigned_team": "Not A Slug"}, "#/assigned_team"),
            ({"nonsense": 1}, "#/nonsense"),
        ],
    )
    async def test_what_is_wrong_is_named_by_its_place(self, rig: Rig, changes: dict[str, Any], pointer: str) -> None:
        body: dict[str, Any] = {"title": "New disks", "window": EVENING, "assigned_team": "platform", **changes}
        problem = await rig.post("/v1/maintenances", status=422, **body)
        assert [each["pointer"] for each in problem["errors"]] == [pointer]

    async def test_lists_are_narrowed_and_come_in_pages(self, rig: Rig) -> None:
        for number in range(3):
            await announce(rig, dedup_key=f"CHG-{number}", service=None, services=[f"service-{number}"])
        await announce(rig, dedup_key="CHG-0", status="resolved", ending="cancelled")

        async def ids(query: str) -> list[str]:
            return [each["external_id"] for each in (await rig.get(f"/v1/maintenances?{query}"))["maintenances"]]

        assert await ids("") == ["CHG-2", "CHG-1", "CHG-0"]
        assert await ids("state=planned&state=running") == ["CHG-2", "CHG-1"]
        assert await ids("service=service-1") == ["CHG-1"]
        page = await rig.get("/v1/maintenances?limit=2")
        assert await ids(f"limit=2&cursor={page['next']}") == ["CHG-0"]

    async def test_a_key_of_a_tenant_sees_its_own_and_changes_only_what_concerns_nobody_else(self, rig: Rig) -> None:
        for number, tenants in enumerate((["acme"], ["acme", "globex"], ["globex"], [])):
            await announce(rig, dedup_key=f"CHG-{number}", tenants=tenants)
        seen = (await rig.get("/v1/maintenances", "acme"))["maintenances"]
        assert [(each["external_id"], each["tenants"]) for each in seen] == [
            ("CHG-3", []),
            ("CHG-1", ["acme"]),
            ("CHG-0", ["acme"]),
        ]
        assert (await rig.get("/v1/maintenances?tenant=globex", "acme"))["maintenances"] == seen[:2]
        [foreign] = [
            each["id"] for each in (await rig.get("/v1/maintenances"))["maintenances"] if each["external_id"] == "CHG-2"
        ]
        await rig.get(f"/v1/maintenances/{foreign}", "acme", status=404)
        for path in (f"/v1/maintenances/{foreign}/cancel", f"/v1/maintenances/{foreign}/complete"):
            await rig.post(path, "acme", status=404)
        await rig.post(f"/v1/maintenances/{seen[1]['id']}/cancel", "acme", status=403)
        await rig.post(f"/v1/maintenances/{seen[2]['id']}/cancel", "acme")
        body: dict[str, Any] = {"title": "x", "window": EVENING, "assigned_team": "platform", "tenants": ["globex"]}
        await rig.post("/v1/maintenances", "acme", status=403, **body)

    async def test_viewers_read_and_do_not_act(self, rig: Rig) -> None:
        await announce(rig)
        found = await record(rig, "watcher")
        await rig.post(f"/v1/maintenances/{found['id']}/cancel", "watcher", status=403)
        await rig.ask("PATCH", f"/v1/maintenances/{found['id']}", {"title": "x"}, "watcher", status=403)
