"""Oncall on a real PostgreSQL: from a due rung to a notification, and the directory from YAML to events."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from libs.common.db.migrate import check_models
from libs.common.db.tables import COMMON
from libs.common.errors import Misconfigured
from libs.common.events.base import SYSTEM, Event
from libs.common.events.directory import PersonChanged, PrincipalChanged, ToolChanged
from libs.common.events.incidents import (
    CommunicationDue,
    EscalationDue,
    Incident,
    IncidentAcknowledged,
    IncidentResolved,
    NoticeDue,
    VerdictGiven,
)
from libs.common.events.notifications import NotificationRequested, NotificationsWithdrawn
from services.oncall.consumer import subscription
from services.oncall.handlers import principals
from services.oncall.handlers.directory import announce, republish
from services.oncall.handlers.paging import Paging
from services.oncall.store.tables import Base
from tests.integration.oncall_support import MORNING, Rig, rig

__all__ = ["rig"]

INCIDENT = Incident(
    id=UUID("018e0000-0000-7000-8000-000000000001"),
    number=7,
    version=1,
    title="Invoicing answers 5xx",
    state="open",
    kind="telemetry",
    category="service_down",
    severity="critical",
    service="invoicing",
    tenants=("lumen",),
    first=("on-shift",),
    opened_at=MORNING,
)


def rung(*roles: str, **more: object) -> EscalationDue:
    facts = {"incident": INCIDENT, "at": MORNING, "actor": SYSTEM, "text": "Rung 1 is due", "reason": "opened"}
    return EscalationDue.model_validate(
        {**facts, "rung": 1, "rung_name": "First", "roles": roles, "slot": "rung-1", **more}
    )


def communication(purpose: str, *audience: str, **more: object) -> CommunicationDue:
    facts = {"incident": INCIDENT, "at": MORNING, "actor": SYSTEM, "text": "An update is due"}
    return CommunicationDue.model_validate(
        {**facts, "purpose": purpose, "audience": audience, "slot": "client_update-1", **more}
    )


async def handled(rig: Rig, event: Event) -> list[Event]:
    """What oncall says to ``event``, through the table of its consumer."""
    paging = Paging("https://status.example.com", rig.service.platform.metrics)
    handler = subscription(paging).handlers[type(event)]
    async with rig.uow.begin() as tx:
        await handler(tx, event)
    return await rig.emitted()


async def requested(rig: Rig, event: Event) -> NotificationRequested:
    (answer,) = await handled(rig, event)
    assert isinstance(answer, NotificationRequested)
    return answer


async def test_the_migrated_schema_is_the_models(rig: Rig, database_url: str) -> None:
    assert await check_models(database_url, "oncall", [COMMON, Base.metadata]) == []


async def test_a_due_rung_pages_whoever_is_on_shift_by_sms_first(rig: Rig) -> None:
    answer = await requested(rig, rung("first"))
    (stefania,) = answer.recipients
    assert (stefania.name, stefania.contacts[0].channel) == ("Stefania", "sms")
    assert (answer.purpose, answer.rung, answer.slot, answer.reason) == ("page", 1, "rung-1", "opened")
    assert answer.subject_id == INCIDENT.id
    assert answer.incident == INCIDENT


@pytest.mark.parametrize(("hour", "minute", "name"), [(10, 5, "Rafael"), (25, 30, "Abdul"), (26, 0, "Stefania")])
async def test_the_moment_of_handling_decides_and_not_the_events_time(
    rig: Rig, hour: int, minute: int, name: str
) -> None:
    rig.clock.set(datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour, minutes=minute))
    answer = await requested(rig, rung("on-shift"))
    assert [recipient.name for recipient in answer.recipients] == [name]
    assert answer.requested_at == rig.clock.now()


async def test_the_backup_is_paged_for_whoever_lost_their_contacts(rig: Rig) -> None:
    rig.rewrite("people.yaml", "contacts: [{sms: +15550100}, {email: stefania@example.com}]", "contacts: []")
    await rig.watcher.take()
    await rig.emitted()
    answer = await requested(rig, rung("first"))
    assert [(one.name, one.backup_for) for one in answer.recipients] == [("Helena", "Stefania")]
    assert [(skip.name, skip.reason) for skip in answer.skipped] == [("Stefania", "no_contact")]


async def test_nobody_found_is_a_notification_without_recipients_that_says_why(rig: Rig) -> None:
    answer = await requested(rig, rung("role:nosuch"))
    assert answer.recipients == ()
    assert [(skip.ref, skip.reason) for skip in answer.skipped] == [("role:nosuch", "unknown_reference")]


async def test_every_rung_of_the_process_finds_its_people(rig: Rig) -> None:
    rungs = {
        "service-responsible": ["Inês Duarte"],
        "pm": ["Katrin Vogel"],
        "role:devops role:helpdesk": ["Diego Fuentes", "Noor Haddad", "Tomás Prieto", "Greta Lind"],
        "role:cao role:head-of-engineering": ["Marguerite Blanc", "Henrik Aas"],
        "role:coo role:cto": ["Paola Ricci", "Samuel Okafor"],
    }
    for roles, names in rungs.items():
        answer = await requested(rig, rung(*roles.split()))
        assert [recipient.name for recipient in answer.recipients] == names
        assert answer.skipped == ()


async def test_a_page_carries_the_check_links(rig: Rig) -> None:
    links = {link.text: link.href for link in (await requested(rig, rung("first"))).links}
    assert links == {
        "Helpdesk's incident workspace": "https://helpdesk.example.com/incidents/7",
        "Our status page": "https://status.example.com/",
        "Invoicing in Lumen Studio's workspace": "https://lumen.flow.example.com/services/invoicing",
    }


async def test_the_shipped_tree_has_all_five_links_of_the_process(rig: Rig) -> None:
    facts = {"service": "proofing", "tool": "ziflow", "provider": "Azure", "tenants": ["lumen"]}
    incident = INCIDENT.model_copy(update={**facts, "tenants": ("lumen",)})
    answer = await requested(rig, rung("first", incident=incident))
    expected = {
        "Helpdesk's incident workspace": "https://helpdesk.example.com/incidents/7",
        "Our status page": "https://status.example.com/",
        "Azure's status page": "https://azure.status.microsoft/",
        "Proofing in Lumen Studio's workspace": "https://lumen.flow.example.com/services/proofing",
        "Ziflow's integration logs for Lumen Studio": "https://lumen.flow.example.com/integrations/ziflow/logs",
        "Ziflow's status page": "https://status.ziflow.example/",
    }
    assert {link.text: link.href for link in answer.links} == expected
    body = {"id": str(incident.id), "number": 7, **facts}
    shown = await rig.http.post("/v1/check-links", json=body)
    assert {link["text"]: link["href"] for link in shown.json()["links"]} == expected, "the console asks for the same"
    bound = {"id": "lumen-desk", "name": "Lumen", "roles": ["viewer"], "tenants": ["lumen"]}
    await rig.http.post("/v1/principals", json=bound)
    key = (await rig.http.post("/v1/principals/lumen-desk/keys")).json()["key"]
    shown = await rig.http.post("/v1/check-links", json=body, headers={"Authorization": f"Bearer {key}"})
    assert [link["text"] for link in shown.json()["links"]] == ["Our status page", "Azure's status page"]


async def test_clients_are_told_the_words_and_the_promise_but_no_link_of_the_house(rig: Rig) -> None:
    promise = MORNING + timedelta(minutes=30)
    event = communication(
        "update", "client-contacts", words="We found it.", next_by=promise, obligation="client_update"
    )
    answer = await requested(rig, event)
    assert [recipient.ref for recipient in answer.recipients] == ["contact:lumen/anneke"]
    assert [contact.channel for contact in answer.recipients[0].contacts] == ["email"]
    assert (answer.words, answer.next_by, answer.obligation) == ("We found it.", promise, "client_update")
    assert [link.text for link in answer.links] == ["Our status page"]


async def test_a_closing_word_reaches_exactly_who_was_reached_off_shift_too(rig: Rig) -> None:
    answer = await requested(rig, communication("closing", "person:abdul", "contact:harbour/it"))
    assert [recipient.ref for recipient in answer.recipients] == ["person:abdul", "contact:harbour/it"]


async def test_a_notice_goes_to_its_audience_without_an_incident(rig: Rig) -> None:
    notice = NoticeDue(
        notice_id=UUID(int=5),
        title="A body waits",
        text="It has no kind.",
        audience=("on-shift",),
        reason="quarantined",
        at=MORNING,
    )
    answer = await requested(rig, notice)
    assert (answer.subject_id, answer.incident, answer.purpose) == (UUID(int=5), None, "notice")
    assert (answer.title, answer.words, answer.recipients[0].name) == ("A body waits", "It has no kind.", "Stefania")


@pytest.mark.parametrize(
    ("fact", "more", "reason"),
    [
        (IncidentAcknowledged, {}, "acknowledged"),
        (IncidentResolved, {}, "resolved"),
        (VerdictGiven, {"verdict": "false_positive"}, "false_positive"),
    ],
)
async def test_what_is_moot_is_withdrawn(rig: Rig, fact: type[Event], more: dict[str, str], reason: str) -> None:
    event = fact.model_validate({"incident": INCIDENT, "at": MORNING, "actor": SYSTEM, "text": "", **more})
    (answer,) = await handled(rig, event)
    assert isinstance(answer, NotificationsWithdrawn)
    assert (answer.subject_id, answer.purposes, answer.reason) == (INCIDENT.id, ("page", "reminder", "missed"), reason)


async def test_a_confirmed_incident_withdraws_nothing(rig: Rig) -> None:
    event = VerdictGiven(incident=INCIDENT, at=MORNING, actor=SYSTEM, text="", verdict="confirmed")
    assert await handled(rig, event) == []


# The directory ------------------------------------------------------------------------------------------------------


async def test_a_second_start_with_the_same_tree_says_nothing(rig: Rig) -> None:
    assert await rig.watcher.take() == frozenset()
    async with rig.uow.begin() as tx:
        assert await announce(tx) == 0
    assert await rig.emitted() == []


async def test_only_what_changed_is_announced(rig: Rig) -> None:
    rig.rewrite("people.yaml", "name: Owen Price", "name: Owen Pryce")
    await rig.watcher.take()
    events = await rig.emitted()
    assert [(type(event), event.key) for event in events] == [
        (PersonChanged, "person:owen"),
        (ToolChanged, "tool:ziflow"),
    ]
    assert isinstance(events[1], ToolChanged)
    assert events[1].pm == "Owen Pryce"


async def test_what_is_gone_is_announced_as_removed(rig: Rig) -> None:
    rig.rewrite("tools.yaml", "  - id: sap\n    name: SAP\n    pm: sunita\n", "")
    await rig.watcher.take()
    (event,) = await rig.emitted()
    assert isinstance(event, ToolChanged)
    assert (event.id, event.name, event.removed) == ("sap", "SAP", True)


async def test_what_waited_for_another_change_is_announced_as_the_newer_of_the_two(rig: Rig) -> None:
    async with rig.uow.begin() as early:
        rig.clock.advance(timedelta(seconds=5))
        async with rig.uow.begin() as late:
            await principals.issue(late, "operator", None, "operator")
        assert early.now < late.now
        await principals.issue(early, "operator", None, "operator")
    first, second = [event for event in await rig.emitted() if isinstance(event, PrincipalChanged)]
    assert len(second.keys) == len(first.keys) + 1
    assert second.at >= first.at
    async with rig.uow.read() as session:
        kept = (await session.execute(text("SELECT keys FROM principals WHERE id = 'operator'"))).scalar_one()
    assert len(kept) == len(second.keys)


async def test_what_comes_back_after_it_was_gone_is_news(rig: Rig) -> None:
    sap = "  - id: sap\n    name: SAP\n    pm: sunita\n"
    rig.rewrite("tools.yaml", sap, "")
    await rig.watcher.take()
    rig.rewrite("tools.yaml", "tools:\n", "tools:\n" + sap)
    await rig.watcher.take()
    assert [(event.key, event.model_dump()["removed"]) for event in await rig.emitted()] == [
        ("tool:sap", True),
        ("tool:sap", False),
    ]


async def test_republish_says_everything_again_and_then_nothing_is_news(rig: Rig) -> None:
    async with rig.uow.begin() as tx:
        said = await republish(tx, "operator")
    events = await rig.emitted()
    assert said == len(events) > 30
    assert {event.key for event in events} >= {"person:abdul", "rota:default", "tenant:lumen", "principal:operator"}
    async with rig.uow.begin() as tx:
        assert await announce(tx) == 0


async def test_the_key_of_the_environment_opens_the_api_and_its_change_closes_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await rig.http.get("/v1/people")).status_code == 200
    monkeypatch.setenv("TOCSIN_KEY_OPERATOR", "tocsin_operatr2" + "t" * 24)
    await rig.watcher.take()
    (event,) = await rig.emitted()
    assert isinstance(event, PrincipalChanged)
    assert [key.id for key in event.keys] == ["operatr2"]
    assert "t" * 24 not in event.model_dump_json()
    assert (await rig.http.get("/v1/people")).status_code == 401


async def test_without_its_variable_a_key_is_just_not_there(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOCSIN_KEY_OPERATOR")
    await rig.watcher.take()
    (event,) = await rig.emitted()
    assert isinstance(event, PrincipalChanged)
    assert (event.removed, event.keys) == (False, ())


async def test_a_key_of_the_wrong_form_names_its_place(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_KEY_OPERATOR", "hunter2")
    with pytest.raises(
        Misconfigured, match=r"principals.yaml:5: principals\[0\].key: .*32 lower-case letters"
    ) as error:
        await rig.watcher.take()
    assert "hunter2" not in str(error.value)


async def test_a_reference_to_nobody_names_file_line_and_rule_and_changes_nothing(rig: Rig) -> None:
    rig.rewrite("rotas.yaml", "person: rafael", "person: raphael")
    rig.rewrite("people.yaml", "name: Abdul", "name: Abdullah")
    with pytest.raises(
        Misconfigured, match=r"rotas.yaml:9: rotas\[0\].turns\[1\].person: there is no person 'raphael'"
    ):
        await rig.watcher.take()
    assert await rig.emitted() == []
    assert (await rig.http.get("/v1/people/abdul")).json()["name"] == "Abdul"


async def test_every_change_is_audited_with_before_and_after(rig: Rig) -> None:
    rig.rewrite("people.yaml", "name: Abdul", "name: Abdullah")
    await rig.watcher.take()
    async with rig.uow.read() as session:
        row = (
            await session.execute(
                text("SELECT * FROM audit WHERE entity = 'abdul' AND action = 'changed' ORDER BY id DESC LIMIT 1")
            )
        ).one()
    assert (row.actor, row.before["name"], row.after["name"]) == ("configuration", "Abdul", "Abdullah")
    assert row.at == MORNING
