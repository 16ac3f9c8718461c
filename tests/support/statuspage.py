"""The story that the tests of the statuspage tell, as events."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from libs.common.auth import hash_key
from libs.common.events import deliveries, directory, incidents
from libs.common.events.base import Actor, Event, Link, Window
from libs.common.events.deliveries import Addressee
from libs.common.events.incidents import Incident, Obligation, Rung, Update
from libs.common.events.notifications import Skipped

NOW = datetime(2025, 5, 28, 9, 48, tzinfo=UTC)
OPERATOR_KEY = "tocsin_" + "operator" + "a" * 24
VIEWER_KEY = "tocsin_" + "viewer00" + "b" * 24
ACME_KEY = "tocsin_" + "acmeonly" + "c" * 24
STEFANIA_KEY = "tocsin_" + "stefania" + "d" * 24
SIGN_IN_TOKEN = "sign-in-once-please"
PAGE_KEY = "globex-page-secret"

RAFAEL = Actor(kind="person", id="rafael", name="Rafael", via="console")
SYSTEM = Actor(kind="system", id="tocsin", name="Tocsin", via="timer")
ALERTMANAGER = Actor(kind="integration", id="alertmanager", name="Alertmanager", via="alertmanager")

M30, M60 = timedelta(minutes=30), timedelta(minutes=60)


def uid(number: int) -> UUID:
    """A readable id."""
    return UUID(int=number)


def at(hour: int, minute: int = 0, days_ago: int = 0) -> datetime:
    """A time of the story's day, or of one before it."""
    return datetime(2025, 5, 28, hour, minute, tzinfo=UTC) - timedelta(days=days_ago)


def rungs(fired: Sequence[datetime], last_reason: incidents.RungReason = "unacknowledged") -> tuple[Rung, ...]:
    """The six rungs, the first ones fired."""
    names = (
        "First responder",
        "Service responsible",
        "PM",
        "DevOps and Helpdesk",
        "CAO and Engineering",
        "COO and CTO",
    )
    roles = (
        ("on-shift",), ("service-responsible",), ("pm",), ("role:devops", "role:helpdesk"),
        ("role:cao", "role:head-of-engineering"), ("role:coo", "role:cto"),
    )  # fmt: skip
    delays = (0, 5, 10, 10, 15, 15)
    found = []
    for index, (name, who) in enumerate(zip(names, roles, strict=True)):
        if index < len(fired):
            reason: incidents.RungReason = "opened" if index == 0 else last_reason
            found.append(
                Rung(number=index + 1, name=name, roles=who, state="done", fired_at=fired[index], reason=reason)
            )
        else:
            due = fired[-1] + timedelta(minutes=delays[index]) if fired and index == len(fired) else None
            after = timedelta(minutes=delays[index])
            found.append(Rung(number=index + 1, name=name, roles=who, due_at=due, after=after))
    return tuple(found)


def obligations(opened: datetime, client_due: datetime) -> tuple[Obligation, ...]:
    """What is promised while an incident lasts."""
    return (
        Obligation(kind="team_status", state="due", owed_by="person", due_at=client_due, every=M30),
        Obligation(kind="client_update", state="due", owed_by="system", due_at=client_due, every=M30, count=1),
        Obligation(kind="tenant_status", state="due", owed_by="system", due_at=opened + M60, every=M60),
        Obligation(kind="incident_call", state="due", owed_by="system", due_at=opened + M60, every=M60),
    )


def incident(number: int, opened: datetime, **changes: Any) -> Incident:
    """An incident; Invoicing does not work unless something else is said."""
    given: dict[str, Any] = {
        "id": uid(number), "number": number, "version": 1, "title": "HTTP 5xx above 20 % on invoicing-api",
        "state": "open", "kind": "telemetry", "category": "service_down", "severity": "critical", "service": "invoicing",
        "opened_at": opened, "source": "alertmanager", "alerts": 1, "firing": 1, "triggers": 1, "ladder": "default",
        "route": "telemetry", "first": ("on-shift",),
    }  # fmt: skip
    return Incident.model_validate({**given, **changes})


def resolved(number: int, opened: datetime, lasted: timedelta, **changes: Any) -> list[Event]:
    """An incident that is over, with its opening and its end."""
    before = incident(number, opened, **changes)
    ended = opened + lasted
    after = before.model_copy(update={"state": "resolved", "resolved_at": ended, "version": 2, "firing": 0})
    return [
        incidents.IncidentOpened(incident=before, at=opened, actor=ALERTMANAGER, text="Opened"),
        incidents.IncidentResolved(incident=after, at=ended, actor=RAFAEL, text="Rafael resolved it"),
    ]


def company() -> list[Event]:
    """The directory: who and what there is, known for longer than ninety days."""
    then = NOW - timedelta(days=200)
    services = (
        ("workflow", "Workflow", "Work", "Jobs, tasks and approvals"), ("assets", "Assets", "Work", "Files and proofs"),
        ("invoicing", "Invoicing", "Money", "Quotes, invoices and bookings"), ("reports", "Reports", "Money", ""),
        ("sign-in", "Sign-in", "Access", ""),
    )  # fmt: skip
    people = ("stefania", "rafael", "abdul", "helena", "luciane", "paula")
    found: list[Event] = [
        directory.ServiceChanged(id=id_, name=name, group=group, description=about, position=index, at=then)
        for index, (id_, name, group, about) in enumerate(services)
    ]
    found += [directory.PersonChanged(id=person, name=person.capitalize(), at=then) for person in people]
    found += [
        directory.TenantChanged(id="acme", name="Acme", at=then, services=("invoicing", "workflow", "sign-in")),
        directory.TenantChanged(id="globex", name="Globex", at=then, page_key_digest=_digest(PAGE_KEY)),
        directory.TenantChanged(id="initech", name="Initech", at=then),
        directory.ToolChanged(id="sap", name="SAP", at=then, pm="Paula"),
        directory.PrincipalChanged(
            id="operator", name="Operator", roles=("admin",), keys=(hash_key(OPERATOR_KEY),), at=then
        ),
        directory.PrincipalChanged(
            id="viewer", name="Viewer", roles=("viewer",), keys=(hash_key(VIEWER_KEY),), at=then
        ),
        directory.PrincipalChanged(
            id="acme-viewer", name="Acme", roles=("viewer",), tenants=("acme",), keys=(hash_key(ACME_KEY),), at=then
        ),
    ]
    return found


def history() -> list[Event]:
    """What is over."""
    return [
        *resolved(1, at(14, 5, 71), timedelta(minutes=43), service="workflow"),
        *resolved(2, at(8, 0, 40), timedelta(hours=3), severity="warning", service="reports"),
        *resolved(
            3, at(2, 0, 33), timedelta(hours=2), category="maintenance", kind="maintenance", service="assets",
            window=Window(starts_at=at(2, 0, 33), ends_at=at(4, 0, 33)),
        ),
        *resolved(4, at(16, 20, 17), timedelta(minutes=96), tenants=("acme",)),
        *resolved(
            5, at(11, 0, 9), timedelta(minutes=25), category="provider_unavailable", kind="provider", provider="azure",
            service=None,
        ),
        *resolved(6, at(7, 30, 4), timedelta(minutes=12), verdict="false_positive"),
    ]  # fmt: skip


def burning() -> list[Event]:
    """Incident 17: Invoicing does not work for two clients since 09:15; acknowledged by nobody, rung 4 is on."""
    links = (
        Link(href="https://helpdesk.example/incidents/17", text="Helpdesk workspace"),
        Link(href="https://grafana.example/d/invoicing", text="Invoicing dashboard"),
    )
    fired = [at(9, 15), at(9, 20), at(9, 30), at(9, 40)]
    opened = incident(
        17, at(9, 15), tenants=("acme", "globex"), links=links, obligations=obligations(at(9, 15), at(9, 45))
    )
    said = "Alertmanager reported HTTP 5xx above 20 % on invoicing-api"
    found: list[Event] = [incidents.IncidentOpened(incident=opened, at=at(9, 15), actor=ALERTMANAGER, text=said)]
    told = (
        ("stefania", "on-shift", None),
        ("helena", "service-responsible", "Abdul"),
        ("paula", "pm", None),
        ("luciane", "role:devops", None),
    )
    for number, (when, (person, role, backup_for)) in enumerate(zip(fired, told, strict=True), 1):
        rung = rungs(fired[:number])[number - 1]
        now = opened.model_copy(update={"version": number + 1, "rung": number, "rungs": rungs(fired[:number])})
        found.append(
            incidents.EscalationDue(
                incident=now,
                at=when,
                actor=SYSTEM,
                text=f"Rung {number} is due: {rung.name}",
                reason=rung.reason,
                rung=number,
                rung_name=rung.name,
                roles=rung.roles,
                slot=f"rung-{number}",
            )
        )
        found += paging(17, number, when, person, role=role, backup_for=backup_for)
    update = Update(
        text="Invoices cannot be created. The database of Invoicing refuses connections; we are moving it to its standby.",
        by="Rafael",
        at=at(9, 41),
        audiences=("team", "tenant", "client"),
    )
    later = opened.model_copy(
        update={
            "version": 9,
            "last_update": update,
            "last_public_update": update,
            "rung": 4,
            "rungs": rungs(fired),
            "obligations": obligations(at(9, 15), at(10, 0)),
        }
    )
    found.append(
        incidents.UpdatePosted(incident=later, at=at(9, 41), actor=RAFAEL, text="Rafael wrote an update", update=update)
    )
    return found


def paging(
    number: int, rung: int, when: datetime, person: str, *, role: str, backup_for: str | None = None
) -> list[Event]:
    """A rung's page, sent to the local outbox."""
    notification = uid(number * 100 + rung)
    told = Addressee(ref=f"person:{person}", name=person.capitalize(), role=role, backup_for=backup_for)
    skipped: tuple[Skipped, ...] = ()
    if backup_for:
        skipped = (Skipped(ref=f"person:{backup_for.lower()}", name=backup_for, reason="no_contact"),)
    shared: dict[str, Any] = {
        "subject_id": uid(number), "notification_id": notification, "purpose": "page", "rung": rung, "slot": f"rung-{rung}", "at": when,
    }  # fmt: skip
    return [
        deliveries.DeliveryAddressed(**shared, addressees=(told,), skipped=skipped),
        deliveries.DeliverySent(
            **shared, recipient=told, channel="sms", provider="local", address="+41 79 000 00 00", attempt=1,
            provider_id=str(notification), headline=f"P1 #{number}",
            text=f"P1 #{number}: Invoicing does not work for 2 clients since 09:15 UTC. Reply ACK {number} or RESOLVE {number}.",
            why=f"rung {rung}",
        ),
    ]  # fmt: skip


def story() -> list[Event]:
    """Everything: the company, what is over, what burns, and what is planned."""
    return [*company(), *history(), *burning(), *more()]


def more() -> list[Event]:
    """A second, acknowledged incident, and maintenance that is planned."""
    reports = incident(
        18, at(9, 40), title="Reports answer slowly", service="reports", severity="warning", state="acknowledged",
        acknowledged_at=at(9, 42), acknowledged_by=RAFAEL, rung=1, rungs=rungs([at(9, 40)]), version=2,
        obligations=obligations(at(9, 40), at(10, 10)),
    )  # fmt: skip
    planned = incident(
        19, at(9, 0), title="Database upgrade", service="assets", category="maintenance", kind="maintenance", severity="info",
        window=Window(starts_at=at(2, 0, -2), ends_at=at(4, 0, -2)),
    )  # fmt: skip
    return [
        incidents.IncidentOpened(incident=planned, at=at(9, 0), actor=ALERTMANAGER, text="Maintenance was announced"),
        incidents.IncidentAcknowledged(incident=reports, at=at(9, 42), actor=RAFAEL, text="Rafael acknowledged it"),
    ]


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
