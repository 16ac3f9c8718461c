"""Every event type by its name: the only way from a name on the wire to a class."""

from typing import Final

from libs.common.events import deliveries, directory, incidents, notifications, triggers
from libs.common.events.base import Event

EVENTS: Final[tuple[type[Event], ...]] = (
    triggers.TriggerReceived,
    triggers.TriggerQuarantined,
    triggers.TriggerAcknowledged,
    triggers.TriggerNoted,
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
    incidents.NoticeDue,
    notifications.NotificationRequested,
    notifications.NotificationsWithdrawn,
    deliveries.DeliveryAddressed,
    deliveries.DeliverySent,
    deliveries.DeliveryFailed,
    deliveries.DeliveryConfirmed,
    deliveries.DeliveryExhausted,
    deliveries.ReplyReceived,
    directory.PrincipalChanged,
    directory.PersonChanged,
    directory.TeamChanged,
    directory.ServiceChanged,
    directory.ToolChanged,
    directory.TenantChanged,
    directory.RotaChanged,
    directory.ProviderChanged,
)

BY_TYPE: Final[dict[str, type[Event]]] = {event.model_fields["type"].default: event for event in EVENTS}
