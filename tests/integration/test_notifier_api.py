"""The local outbox and the ledger over HTTP, and channels that are configured while it runs."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from libs.common.errors import Misconfigured
from libs.common.events.deliveries import DeliveryFailed, DeliverySent, ReplyReceived
from tests.integration.notifier_desk import LOCAL, REAL, SECRETS, Desk, running_desk
from tests.integration.test_notifier_configuration import provider
from tests.support.sample import until
from tests.unit.notifier.requests import INCIDENT, client, incident, person, request

TWILIO_WITHOUT_SECRETS = """
channels:
  - id: sms
    name: Text messages
    provider: twilio
    account_sid: {env: NO_SUCH}
    auth_token: {env: NO_SUCH}
    from: +15005550006
"""


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with running_desk(database_url, tmp_path, LOCAL) as running:
        yield running


async def outbox(desk: Desk, headers: dict[str, str], **params: Any) -> list[dict[str, Any]]:
    answer = await desk.http.get("/v1/outbox", headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    messages: list[dict[str, Any]] = answer.json()["messages"]
    return messages


async def test_the_outbox_shows_what_would_have_been_sent_to_whom_when_and_why(desk: Desk) -> None:
    await desk.publish(request("page", person("Helena", backup_for="Abdul")))
    [message] = await outbox(desk, await desk.key("viewer"))
    assert message["to"] == {"ref": "person:helena", "name": "Helena", "role": "on-shift", "backup_for": "Abdul"}
    assert message["at"] == "2026-11-24T14:00:00Z"
    assert message["why"] == "Sent to Helena as the one on shift, in place of Abdul, rung 1 (First to hear)"
    assert message["text"].startswith("P1 #12 Checkout is down.")
    assert message["sms"] == {"encoding": "gsm7", "segments": 1}
    assert (message["channel"], message["purpose"], message["incident_number"]) == ("sms", "page", 12)


async def test_the_newest_comes_first_and_pages_follow_each_other(desk: Desk) -> None:
    for number in range(1, 6):
        await desk.publish(request("page", person(), number=number))
        desk.clock.advance(desk.clock.now() - desk.clock.now().replace(second=0))
    headers = await desk.key("viewer")
    everything = [message["id"] for message in await outbox(desk, headers)]
    assert everything == sorted(everything, reverse=True)
    first = (await desk.http.get("/v1/outbox?limit=3", headers=headers)).json()
    second = (await desk.http.get(f"/v1/outbox?limit=3&cursor={first['next']}", headers=headers)).json()
    assert [message["id"] for message in first["messages"] + second["messages"]] == everything
    assert second["next"] is None


async def test_answering_in_the_outbox_is_answering_by_sms(desk: Desk) -> None:
    await desk.publish(request("page", person()))
    headers = await desk.key("operator")
    [message] = await outbox(desk, headers)
    answer = await desk.http.post(f"/v1/outbox/{message['id']}/reply", headers=headers, json={"text": "ack"})
    await desk.settle()
    assert answer.json()["answer"].startswith("You have #12 now (Checkout is down).")
    [received] = desk.told(ReplyReceived)
    assert (received.subject_id, received.action, received.sender.name) == (INCIDENT, "acknowledge", "Rafael")


async def test_what_takes_no_answer_says_so(desk: Desk) -> None:
    await desk.publish(request("status", client(), next_by=desk.clock.now()))
    headers = await desk.key("operator")
    [message] = await outbox(desk, headers)
    assert message["repliable"] is False
    answer = await desk.http.post(f"/v1/outbox/{message['id']}/reply", headers=headers, json={"text": "ack"})
    assert answer.status_code == 409


async def test_only_a_key_reads_and_only_an_operator_answers(desk: Desk) -> None:
    await desk.publish(request("page", person()))
    viewer = await desk.key("viewer")
    [message] = await outbox(desk, viewer)
    assert (await desk.http.get("/v1/outbox")).status_code == 401
    assert (await desk.http.get("/v1/attempts", headers={"Authorization": "Bearer nonsense"})).status_code == 401
    refused = await desk.http.post(f"/v1/outbox/{message['id']}/reply", headers=viewer, json={"text": "ack"})
    assert refused.status_code == 403


async def test_a_tenant_s_principal_sees_only_what_concerns_it(desk: Desk) -> None:
    await desk.publish(
        request("page", person(), number=1, incident=incident(tenants=("acme",))),
        request("page", person(), number=2, incident=incident(tenants=("globex",))),
        request("page", person(), number=3, incident=incident(tenants=())),
        request("notice", person(), number=4, incident=None, title="A body in quarantine", words="no JSON"),
    )
    acme = await desk.key("operator", ("acme",))
    assert {message["purpose"] for message in await outbox(desk, acme)} == {"page"}
    assert len(await outbox(desk, acme)) == 2
    attempts = (await desk.http.get("/v1/attempts", headers=acme)).json()["attempts"]
    assert len(attempts) == 2
    everything = await outbox(desk, await desk.key("viewer"))
    assert len(everything) == 4
    shown = {message["id"] for message in await outbox(desk, acme)}
    hidden = next(message for message in everything if message["id"] not in shown)
    answer = await desk.http.post(f"/v1/outbox/{hidden['id']}/reply", headers=acme, json={"text": "ack"})
    assert answer.status_code == 404


async def test_the_ledger_keeps_what_failed_with_its_reason(desk: Desk) -> None:
    await desk.publish(request("page", person(), incident=incident(provider="twilio")))
    headers = await desk.key("viewer")
    failed = (await desk.http.get("/v1/attempts?state=failed", headers=headers)).json()["attempts"]
    assert [(one["channel"], one["reason"]) for one in failed] == [("sms", "channel_is_the_incident")]
    sent = (await desk.http.get("/v1/attempts?state=sent&incident=12", headers=headers)).json()["attempts"]
    assert [(one["channel"], one["provider"], one["tries"]) for one in sent] == [("email", "local", 1)]
    assert (await desk.http.get("/v1/attempts?incident=99", headers=headers)).json()["attempts"] == []


async def test_a_channel_configured_while_it_runs_is_used_from_then_on(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with running_desk(database_url, tmp_path, LOCAL) as desk:
        await desk.publish(request("page", person()))
        (tmp_path / "channels.yaml").write_text(REAL.format(port=desk.mail.port))

        async def used() -> bool:
            return provider(desk.service) == "twilio"

        await until(used)
        await desk.publish(request("page", person(), number=2))
        assert len(desk.twilio.messages) == 1
        assert {sent.provider for sent in desk.told(DeliverySent)} == {"local", "twilio"}
        assert desk.told(DeliveryFailed) == []


@pytest.mark.parametrize(
    ("yaml", "sentence"),
    [
        ("channels:\n  - {id: sms, name: SMS, provider: pigeon}\n", "channels.yaml:2: channels[0]"),
        (
            TWILIO_WITHOUT_SECRETS,
            "channels.yaml:6: channels[0].account_sid: NO_SUCH is not set",
        ),
        (
            "channels:\n  - {id: sms, name: SMS, provider: twilio, account_sid: {env: A}, auth_token: {env: A}}\n",
            "give either from or messaging_service_sid",
        ),
        ("channels:\n  - {id: sms, name: SMS, provider: smtp, host: h, from: a@b}\n", "input should be 'email'"),
        (
            "channels:\n  - {id: email, name: Mail, provider: smtp, host: h, from: nobody}\n",
            "must be an e-mail address",
        ),
    ],
)
async def test_a_broken_configuration_names_line_and_rule_and_starts_nothing(
    database_url: str, tmp_path: Path, yaml: str, sentence: str
) -> None:
    with pytest.raises(Misconfigured) as raised:
        async with running_desk(database_url, tmp_path, yaml):
            pass
    assert sentence in raised.value.detail
