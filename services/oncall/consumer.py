"""Events of incidents → handlers."""

from libs.common.consume import Subscription
from libs.common.events.incidents import (
    CommunicationDue,
    EscalationDue,
    IncidentAcknowledged,
    IncidentResolved,
    NoticeDue,
    VerdictGiven,
)
from libs.common.events.topics import INCIDENTS
from services.oncall.handlers.paging import Paging

GROUP = "oncall"


def subscription(paging: Paging) -> Subscription:
    """What oncall reads of ``incidents``; what is not due and withdraws nothing is passed over."""
    return Subscription(
        group=GROUP,
        topics=(INCIDENTS.name,),
        handlers={
            EscalationDue: paging.escalation_due,
            CommunicationDue: paging.communication_due,
            NoticeDue: paging.notice_due,
            IncidentAcknowledged: paging.acknowledged,
            IncidentResolved: paging.resolved,
            VerdictGiven: paging.verdict_given,
        },
    )
