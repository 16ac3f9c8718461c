"""Which events the statuspage folds, and with what."""

from typing import Final

from libs.common.consume import Handler, Subscription
from libs.common.events import deliveries, directory, incidents
from libs.common.events.base import Event
from libs.common.events.topics import DELIVERIES, DIRECTORY, INCIDENTS
from services.statuspage import handlers

FACTS: Final[tuple[type[Event], ...]] = (
    incidents.IncidentOpened,
    incidents.AlertAttached,
    incidents.AlertResolved,
    incidents.IncidentAcknowledged,
    incidents.IncidentResolved,
    incidents.VerdictGiven,
    incidents.UpdatePosted,
    incidents.RcaIssued,
    incidents.ObligationMoved,
    incidents.IncidentNoted,
    incidents.WindowMoved,
    incidents.MaintenanceBegun,
    incidents.EscalationDue,
    incidents.CommunicationDue,
)
ENTRIES: Final[tuple[type[Event], ...]] = (
    directory.PrincipalChanged,
    directory.PersonChanged,
    directory.TeamChanged,
    directory.ServiceChanged,
    directory.ToolChanged,
    directory.TenantChanged,
    directory.RotaChanged,
    directory.ProviderChanged,
)


def subscription() -> Subscription:
    """Everything that a page shows, and whose keys may sign in."""
    taken: dict[type[Event], Handler] = {
        **dict.fromkeys(FACTS, handlers.take_fact),
        **dict.fromkeys(ENTRIES, handlers.take_entry),
        deliveries.DeliveryAddressed: handlers.take_addressed,
        deliveries.DeliverySent: handlers.take_message,
        deliveries.DeliveryFailed: handlers.take_message,
        deliveries.DeliveryConfirmed: handlers.take_message,
        deliveries.DeliveryExhausted: handlers.take_exhausted,
    }
    return Subscription("statuspage", (INCIDENTS.name, DELIVERIES.name, DIRECTORY.name), taken)
