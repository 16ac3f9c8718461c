"""What is due, and to whom: each due event becomes one notification, resolved to people at this moment.

"This moment" is the transaction's ``now`` and not the event's time: who is told is who is responsible when it is worked on.
"""

from typing import Final

from libs.common.db.work import Tx
from libs.common.events.base import TICKET, Link
from libs.common.events.incidents import (
    CommunicationDue,
    EscalationDue,
    Incident,
    IncidentAcknowledged,
    IncidentFact,
    IncidentResolved,
    NoticeDue,
    Purpose,
    VerdictGiven,
)
from libs.common.events.notifications import NotificationRequested, NotificationsWithdrawn
from libs.common.logs import bind_incident, get_logger
from libs.common.metrics import Metrics
from services.oncall.domain.directory import Directory
from services.oncall.domain.links import check_links, public_links
from services.oncall.domain.public import public_title
from services.oncall.domain.reach import AT_ONCE, MANNERS, Manner
from services.oncall.domain.resolve import Context, Resolution, resolve
from services.oncall.store.amendments import directory_at

log = get_logger(__name__)

MOOT: Final[tuple[Purpose, ...]] = ("page", "reminder", "missed")
"""What need not be delivered any more once somebody took the incident, or it is over."""


class Paging:
    """Answers due events. ``status_page`` is the address of our own status page, for the links."""

    def __init__(self, status_page: str | None, metrics: Metrics) -> None:
        self._status_page = status_page
        self._metrics = metrics

    async def escalation_due(self, tx: Tx, event: EscalationDue) -> None:
        """A rung is due: page whoever its roles mean now."""
        directory = await directory_at(tx.session, tx.now)
        found = self._resolved(directory, event.roles, context_of(event.incident), tx)
        bind_incident(event.incident.id)
        log.info("rung resolved", rung=event.rung, told=_refs(found), skipped=len(found.skipped))
        await tx.emit(
            NotificationRequested(
                notification_id=tx.chance.uuid7(tx.now),
                subject_id=event.incident.id,
                incident=event.incident,
                purpose="page",
                rung=event.rung,
                rung_name=event.rung_name,
                slot=event.slot,
                recipients=found.recipients,
                skipped=found.skipped,
                title=event.incident.title,
                public_title=public_title(directory, event.incident),
                late_by=event.late_by,
                links=self._links(directory, event.incident, found),
                reason=event.reason,
                requested_at=tx.now,
            )
        )

    async def communication_due(self, tx: Tx, event: CommunicationDue) -> None:
        """A message other than a page is due: tell whoever its audience means now."""
        directory = await directory_at(tx.session, tx.now)
        found = self._resolved(directory, event.audience, context_of(event.incident), tx, MANNERS[event.purpose])
        await tx.emit(
            NotificationRequested(
                notification_id=tx.chance.uuid7(tx.now),
                subject_id=event.incident.id,
                incident=event.incident,
                purpose=event.purpose,
                obligation=event.obligation,
                slot=event.slot,
                recipients=found.recipients,
                skipped=found.skipped,
                title=event.incident.title,
                public_title=public_title(directory, event.incident),
                words=event.words,
                since=event.since,
                next_by=event.next_by,
                due_at=event.due_at,
                late_by=event.late_by,
                links=self._links(directory, event.incident, found),
                reason=event.reason,
                internal=event.internal,
                requested_at=tx.now,
            )
        )

    async def notice_due(self, tx: Tx, event: NoticeDue) -> None:
        """Something that is no incident must be told. A notice has no service and no tenants: only plain references lead somewhere.

        It does not wait for the end of quiet hours: what nobody understood may be an alarm.
        """
        directory = await directory_at(tx.session, tx.now)
        found = self._resolved(directory, event.audience, Context(), tx)
        await tx.emit(
            NotificationRequested(
                notification_id=tx.chance.uuid7(tx.now),
                subject_id=event.notice_id,
                purpose="notice",
                slot="notice",
                recipients=found.recipients,
                skipped=found.skipped,
                title=event.title,
                words=event.text,
                reason=event.reason,
                requested_at=tx.now,
            )
        )

    async def acknowledged(self, tx: Tx, event: IncidentAcknowledged) -> None:
        """Somebody took the incident: nobody else needs to be woken for it."""
        await self._withdraw(tx, event, "acknowledged")

    async def resolved(self, tx: Tx, event: IncidentResolved) -> None:
        """The incident is over."""
        await self._withdraw(tx, event, "resolved")

    async def verdict_given(self, tx: Tx, event: VerdictGiven) -> None:
        """A false positive is over; a confirmed incident goes on."""
        if event.verdict == "false_positive":
            await self._withdraw(tx, event, "false_positive")

    async def _withdraw(self, tx: Tx, event: IncidentFact, reason: str) -> None:
        await tx.emit(NotificationsWithdrawn(subject_id=event.incident.id, purposes=MOOT, reason=reason, at=tx.now))

    def _resolved(
        self, directory: Directory, refs: tuple[str, ...], context: Context, tx: Tx, manner: Manner = AT_ONCE
    ) -> Resolution:
        found = resolve(directory, refs, context, tx.now, manner)
        self._metrics.resolutions.labels("found" if found.recipients else "nobody").inc()
        for skip in found.skipped:
            self._metrics.resolutions.labels(skip.reason).inc()
        return found

    def _links(self, directory: Directory, incident: Incident, found: Resolution) -> tuple[Link, ...]:
        """The check links; those of the house are left out where a client reads the message."""
        outside = any(recipient.ref.startswith(("contact:", TICKET)) for recipient in found.recipients)
        return (public_links if outside else check_links)(directory, incident, self._status_page)


def context_of(incident: Incident) -> Context:
    """What of the incident decides who is responsible."""
    return Context(
        service=incident.service,
        tool=incident.tool,
        tenants=incident.tenants,
        assigned_team=incident.assigned_team,
        first=incident.first,
        tickets=incident.tickets,
        services=incident.services,
    )


def _refs(found: Resolution) -> list[str]:
    return [recipient.ref for recipient in found.recipients]
