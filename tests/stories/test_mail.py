"""What comes by mail reaches whom the process names: DevOps, the team of the maintenance, the PM of the tool."""

from tests.support.world import World

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//carrier.example//EN
BEGIN:VEVENT
UID:31415@carrier.example
DTSTAMP:20261124T080000Z
DTSTART:{day}T220000Z
DTEND:{day}T233000Z
SEQUENCE:{sequence}
SUMMARY:Planned work WO-31415
{more}END:VEVENT
END:VCALENDAR
"""
NOTE = "X-MAINTNOTE-PROVIDER:carrier.example\nX-MAINTNOTE-MAINTENANCE-ID:WO-31415\nX-MAINTNOTE-IMPACT:OUTAGE\nX-MAINTNOTE-STATUS:{}\n"


def mail(subject: str, text: str, calendar: str = "", sender: str = "noc@carrier.example") -> bytes:
    head = f"From: {sender}\nSubject: {subject}\nMIME-Version: 1.0\n"
    if not calendar:
        return f"{head}Content-Type: text/plain\n\n{text}\n".encode()
    parts = f"--x\nContent-Type: text/plain\n\n{text}\n--x\nContent-Type: text/calendar\n\n{calendar}\n--x--\n"
    return f"{head}Content-Type: multipart/mixed; boundary=x\n\n{parts}".encode()


def notice(day: str, sequence: int, status: str) -> bytes:
    calendar = CALENDAR.format(day=day, sequence=sequence, more=NOTE.format(status))
    return mail(f"Planned work WO-31415: {status}", "See the calendar.", calendar)


async def test_a_carriers_work_reaches_devops_moves_and_is_called_off_as_one_incident(world: World) -> None:
    await world.at("09:15")
    for raw in (
        notice("20261126", 1, "CONFIRMED"),
        notice("20261127", 2, "CONFIRMED"),
        notice("20261126", 1, "CONFIRMED"),
    ):
        assert (await world.mail("provider-mail", raw)).status_code == 202
        await world.settle()

    assert {name for name, _ in await world.pages()} == {"Diego Fuentes", "Noor Haddad"}
    (incident,) = (await world.request("escalator", "GET", "/v1/incidents"))["incidents"]
    assert incident["window"] == {"starts_at": "2026-11-27T22:00:00Z", "ends_at": "2026-11-27T23:30:00Z"}

    await world.mail("provider-mail", notice("20261127", 3, "CANCELLED"))
    await world.settle()
    after = await world.request("escalator", "GET", f"/v1/incidents/{incident['number']}")
    assert after["state"] == "resolved"


async def test_a_calendar_that_is_mailed_reaches_the_team_of_the_maintenance(world: World) -> None:
    await world.at("09:15")
    calendar = CALENDAR.format(day="20261126", sequence=0, more="X-TOCSIN-TEAM:invoicing\n")
    await world.mail(
        "maintenance-mail", mail("The ledger is moved", "See the calendar.", calendar, "ines@corp.example")
    )
    await world.settle()
    assert {name for name, _ in await world.pages()} == {"Inês Duarte"}


async def test_a_tools_owner_who_writes_that_it_will_be_down_reaches_the_pm_of_that_tool(world: World) -> None:
    await world.at("09:15")
    text = "Start: 28 November 2026, 20:00 CET\nEnd: 28 November 2026, 23:30 CET"
    await world.mail("tool-mail", mail("SAP will be down on Saturday", text, sender="basis@sap.com"))
    await world.settle()
    assert {name for name, _ in await world.pages()} == {"Sunita Rao"}
    (incident,) = (await world.request("escalator", "GET", "/v1/incidents"))["incidents"]
    assert incident["tool"] == "sap"
    assert incident["window"]["starts_at"] == "2026-11-28T19:00:00Z"
