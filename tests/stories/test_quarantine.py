"""What authenticates and cannot be understood is kept, and a person is told."""

from tests.support.world import World, alertmanager_body

DEVOPS = ["Diego Fuentes", "Noor Haddad"]


async def test_a_body_that_is_not_understood_is_kept_and_the_team_on_shift_is_told(world: World) -> None:
    await world.at("09:15")
    answer = await world.post_alarm(b'{"version": "4", "alerts": [')
    assert answer.status_code == 400
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    await world.settle()
    assert await world.told("notice") == ["Stefania"]
    kept = await world.request("intake", "GET", f"/v1/quarantine/{problem['quarantine_id']}")
    assert kept["reason"] == problem["reason"]
    assert await world.request("escalator", "GET", "/v1/incidents") == {"incidents": [], "next": None}


async def test_of_a_sender_that_goes_on_posting_garbage_a_person_is_told_once_an_hour(world: World) -> None:
    await world.at("09:15")
    for _ in range(3):
        await world.post_alarm(b"{")
        await world.forward(minutes=10)
    assert await world.told("notice") == ["Stefania"]
    assert len((await world.request("intake", "GET", "/v1/quarantine"))["quarantine"]) == 3
    await world.at("10:30")
    await world.post_alarm(b"{")
    await world.settle()
    assert await world.told("notice") == ["Stefania", "Rafael"]


async def test_a_key_of_another_integration_is_refused_and_opens_nothing(world: World) -> None:
    await world.at("09:15")
    body = alertmanager_body("A", service="invoicing")
    for path, status in (("/v1/hooks/alertmanager/" + "x" * 32, 401), ("/v1/hooks/no-such-source/" + "x" * 32, 404)):
        answer = await world.send("intake", path, body)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
    assert await world.messages() == []


def mail(subject: str, sender: str = "news@vendor.example", text: str = "See below.") -> bytes:
    return f"From: {sender}\nSubject: {subject}\nMIME-Version: 1.0\n\n{text}\n".encode()


async def test_of_a_providers_mail_that_nobody_reads_devops_is_told_and_makes_an_incident_of_it(world: World) -> None:
    await world.at("09:15")
    answer = await world.mail("provider-mail", mail("We lost a data centre"))
    assert answer.status_code == 422
    await world.settle()
    assert sorted(await world.told("notice")) == DEVOPS
    assert all("We lost a data centre" in notice["text"] for notice in await world.messages("notice"))

    await world.request("intake", "POST", f"/v1/quarantine/{answer.json()['quarantine_id']}/incident")
    await world.settle()
    (incident,) = (await world.request("escalator", "GET", "/v1/incidents"))["incidents"]
    assert "We lost a data centre" in incident["title"]
    assert {name for name, _ in await world.pages()} == set(DEVOPS)


async def test_each_mail_that_is_not_believed_is_told_of_and_the_same_one_only_once(world: World) -> None:
    await world.at("09:15")
    forged = [
        mail("Azure Service Health alert: Resolved", "azure-noreply@microsoft.com", f"Tracking ID: 9VTC-HZ{number}")
        for number in (8, 8, 9)
    ]
    for number, raw in enumerate((*forged, mail("We lost a data centre"), mail("We lost another one"))):
        answer = await world.mail("provider-mail", raw)
        assert answer.json()["reason"] == ("not-authenticated" if number < 3 else "no-reader")
    await world.settle()
    assert sorted(await world.told("notice")) == sorted(DEVOPS * 3)
    assert await world.request("escalator", "GET", "/v1/incidents") == {"incidents": [], "next": None}
