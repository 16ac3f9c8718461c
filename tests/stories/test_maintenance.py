"""What is announced beforehand: a maintenance from its announcement to its end, and what the owners of tools tell."""

from typing import Any

from tests.support.world import World, alertmanager_body

SOON = {"starts_at": "2026-11-24T08:30:00Z", "ends_at": "2026-11-24T09:00:00Z"}
LATER = {"starts_at": "2026-11-24T09:00:00Z", "ends_at": "2026-11-24T11:05:00Z"}
TEAM = {"Diego Fuentes", "Noor Haddad"}
DISKS: dict[str, Any] = {
    "maintenance_id": "CHG-7731",
    "title": "db-7 moves to new disks",
    "assigned_team": "platform",
    "services": ["invoicing", "workflow"],
    "tenants": ["lumen"],
    "window": SOON,
}


def calendar(sequence: int, start: str, end: str, status: str = "CONFIRMED") -> bytes:
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Change calendar//", "BEGIN:VEVENT", "UID:disks@example.org",
        f"SEQUENCE:{sequence}", f"DTSTART;TZID=Europe/Berlin:{start}", f"DTEND;TZID=Europe/Berlin:{end}",
        "SUMMARY:Moving to new disks", f"STATUS:{status}", "X-TOCSIN-TEAM:platform", "END:VEVENT", "END:VCALENDAR",
    )  # fmt: skip
    return "\r\n".join(lines).encode()


async def announce(world: World, **said: Any) -> None:
    await world.call("maintenance", "POST", "/v1/maintenance", json={**DISKS, **said})


async def record(world: World) -> dict[str, Any]:
    [found] = (await world.request("escalator", "GET", "/v1/maintenances"))["maintenances"]
    return dict(found)


async def test_a_maintenance_from_its_announcement_to_its_end(world: World) -> None:
    await world.at("08:10")
    await announce(world)
    assert {name for name, _ in await world.pages()} == TEAM
    assert set(await world.paged_roles()) == {"maintenance-team"}
    page = await world.public("/")
    assert "will be in maintenance for one client" not in page
    assert "will be in maintenance today from 08:30 to 09:00 UTC for one client" in page
    assert "db-7" not in page

    await announce(world, window=LATER)
    moved = await world.messages("update")
    assert {message["to"]["name"] for message in moved} == TEAM
    assert all(
        "now it is 09:00 UTC to 11:05 UTC, before it was 08:30 UTC to 09:00 UTC" in message["text"] for message in moved
    )
    assert len(moved) == len({(message["to"]["name"], message["channel"]) for message in moved}), "told once"
    assert (await record(world))["window"] == LATER

    await world.at("08:59")
    assert (await record(world))["state"] == "planned"
    assert await world.messages("status") == []

    await world.at("09:01")
    assert (await record(world))["state"] == "running"
    await world.at("11:01")
    status = await world.messages("status")
    assert {message["obligation"] for message in status} == {"maintenance_status"}
    assert {message["to"]["name"] for message in status} == {"Lumen's administrators"}
    assert len(status) == 2, "one an hour"
    assert "are in maintenance until 11:05 UTC" in await world.public("/t/lumen")
    assert "maintenance until" not in await world.public("/t/harbour")

    await world.at("11:05")
    asked = await world.messages("reminder")
    assert {message["to"]["name"] for message in asked} == TEAM
    assert all("is it over?" in message["text"] for message in asked)

    await announce(world, status="completed")
    assert (await record(world))["state"] == "over"
    assert set(await world.told("closing")) == {*TEAM, "Lumen's administrators"}


async def test_a_maintenance_of_a_calendar_is_moved_and_called_off_by_its_sequence(world: World) -> None:
    await world.at("08:10")
    kind = {"Content-Type": "text/calendar"}
    for sequence, start, end in ((2, "20261124T220000", "20261124T230000"), (1, "20261130T220000", "20261130T230000")):
        body = calendar(sequence, start, end)
        await world.call("maintenance", "POST", "/v1/maintenance", content=body, headers=kind)
    found = await record(world)
    assert found["window"] == {"starts_at": "2026-11-24T21:00:00Z", "ends_at": "2026-11-24T22:00:00Z"}
    body = calendar(3, "20261125T220000", "20261125T230000")
    await world.call("maintenance", "POST", "/v1/maintenance", content=body, headers=kind)
    found = await record(world)
    assert (found["window"]["starts_at"], found["external_id"]) == ("2026-11-25T21:00:00Z", "disks@example.org")
    body = calendar(4, "20261125T220000", "20261125T230000", "CANCELLED")
    await world.call("maintenance", "POST", "/v1/maintenance", content=body, headers=kind)
    assert (await record(world))["state"] == "cancelled"
    closing = await world.messages("closing")
    assert {message["to"]["name"] for message in closing} == TEAM
    assert all("Called off at 08:10 UTC" in message["text"] for message in closing)
    shown = await world.public("/maintenances.ics")
    assert "STATUS:CANCELLED" in shown
    assert "SEQUENCE:2" in shown


async def test_alarms_during_a_maintenance_page_nobody_until_it_ends(world: World) -> None:
    await world.at("08:10")
    await announce(world, tenants=[])
    announced = await world.pages()
    await world.at("08:40")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    assert await world.pages() == announced
    await announce(world, status="completed")
    assert (await world.pages())[len(announced) :] == [("Stefania", "sms")]
    assert "tocsin.incident.opened.v1" in await world.facts(2)


async def test_the_owner_of_a_tool_is_heard_by_its_pm(world: World) -> None:
    await world.at("08:10")
    notice = {"tool": "sap", "state": "will_be_down", "title": "SAP is upgraded at half past eight", "window": SOON}
    await world.call("tools", "POST", "/v1/notices", json=notice)
    assert {name for name, _ in await world.pages()} == {"Sunita Rao"}
    assert set(await world.paged_roles()) == {"tool-pm"}
    await world.at("08:25")
    assert len({name for name, _ in await world.pages()}) == 1, "nobody else before it begins"
    await world.call("tools", "POST", "/v1/notices", json={"tool": "sap", "state": "up", "title": "SAP stays up"})
    assert (await world.incident(1))["state"] == "resolved"
    assert "Sunita Rao" in await world.told("closing")

    told = await world.pages()
    zebra = {"tool": "zebra", "state": "down", "title": "Zebra does not answer"}
    await world.call("tools", "POST", "/v1/notices", json=zebra)
    assert (await world.pages())[len(told) :], "somebody hears also of a tool that nobody knows"
    lines = await world.lines(2)
    assert any("zebra is not known in the configuration" in line for line in lines), lines
