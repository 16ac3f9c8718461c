"""An alarm finds whoever is responsible at that moment, once."""

from tests.support.world import World, alertmanager_body


async def test_an_alarm_pages_the_person_on_shift_and_a_repeat_pages_nobody(world: World) -> None:
    await world.at("09:15")
    body = alertmanager_body("InvoicingErrors", service="invoicing")
    answer = await world.post_alarm(body)
    assert answer.status_code == 202
    await world.settle()
    assert await world.pages() == [("Stefania", "sms")]

    await world.reply("Stefania", "ACK")
    await world.at("10:05")
    await world.post_alarm(body)
    await world.settle()
    assert await world.pages() == [("Stefania", "sms")]
    incident = await world.incident(1)
    assert incident["triggers"] == 2
    assert incident["alerts"] == 1
    assert "tocsin.incident.alert_attached.v1" in await world.facts(1)

    await world.post_alarm(alertmanager_body("QueueStuck", service="workflow"))
    await world.settle()
    assert (await world.pages())[1:] == [("Rafael", "sms")]
    for number in (1, 2):
        await world.act(number, "resolve")

    await world.at("01:30")
    await world.post_alarm(alertmanager_body("LoginBroken", service="sign-in"))
    await world.settle()
    assert (await world.pages())[2:] == [("Abdul", "sms")]


async def test_ten_alerts_in_one_body_are_one_incident_and_one_page(world: World) -> None:
    await world.at("09:15")
    await world.post_alarm(alertmanager_body(*[f"Disk{number}" for number in range(10)], service="invoicing"))
    await world.settle()
    assert await world.pages() == [("Stefania", "sms")]
    assert (await world.incident(1))["alerts"] == 10


async def test_an_incident_is_over_when_its_source_says_so_of_the_last_alert(world: World) -> None:
    await world.at("09:15")
    await world.post_alarm(alertmanager_body("A", "B", service="invoicing"))
    await world.settle()
    await world.forward(minutes=1)
    await world.post_alarm(alertmanager_body("A", service="invoicing", status="resolved"))
    await world.settle()
    assert (await world.incident(1))["state"] == "open"
    await world.post_alarm(alertmanager_body("B", service="invoicing", status="resolved"))
    await world.settle()
    assert (await world.incident(1))["state"] == "resolved"
    assert await world.told("closing") == ["Stefania"]


async def test_each_kind_of_trigger_finds_its_own_first_recipient(world: World) -> None:
    await world.at("11:00")
    await world.post_trigger(
        "helpdesk", {"kind": "ticket", "ticket": "T-1", "priority": "P1", "title": "Nobody can sign in"}
    )
    await world.settle()
    assert set(await world.paged_roles()) == {"role:helpdesk"}
    await world.post_trigger(
        "providers", {"kind": "provider", "provider": "azure", "incident": "XT-9", "title": "West Europe is down"}
    )
    await world.settle()
    assert "role:devops" in await world.paged_roles()
    await world.post_trigger("tools", {"kind": "tool", "tool": "sap", "state": "down", "title": "SAP does not answer"})
    await world.settle()
    assert "tool-pm" in await world.paged_roles()
    await world.post_trigger(
        "maintenance",
        {
            "kind": "maintenance",
            "id": "M-7",
            "title": "Database upgrade",
            "assigned_team": "platform",
            "window": {"starts_at": "2026-11-25T20:00:00Z", "ends_at": "2026-11-25T22:00:00Z"},
        },
    )
    await world.settle()
    assert "maintenance-team" in await world.paged_roles()


async def test_a_person_without_a_contact_is_replaced_by_the_backup_at_once_and_the_timeline_says_why(
    world: World,
) -> None:
    await world.forget_contacts("stefania")
    await world.at("09:15")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    assert await world.pages() == [("Helena", "sms")]
    lines = await world.lines(1)
    assert any("Stefania" in line and "Helena" in line for line in lines), lines


async def test_nobody_to_be_found_starts_the_next_rung_at_once(world: World) -> None:
    for person in ("stefania", "helena", "luciane"):
        await world.forget_contacts(person)
    await world.at("09:15")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    incident = await world.incident(1)
    assert incident["rung"] >= 2
    assert incident["rungs"][1]["reason"] == "nobody_found"
    assert await world.pages(), "somebody further up was paged without waiting"
