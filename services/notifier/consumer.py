"""Events → handlers: what oncall asks to be told, who may call this service, and who acts in Slack."""

from libs.common.auth import take_principal
from libs.common.consume import Subscription
from libs.common.events.directory import PersonChanged, PrincipalChanged
from libs.common.events.notifications import NotificationRequested, NotificationsWithdrawn
from libs.common.events.topics import DIRECTORY, NOTIFICATIONS
from services.notifier.handlers.members import take_person
from services.notifier.handlers.notifications import Notifications


def subscriptions(notifications: Notifications) -> tuple[Subscription, ...]:
    """What the notifier reads. Two groups, so that a directory read anew never holds a page up."""
    return (
        Subscription(
            group="notifier",
            topics=(NOTIFICATIONS.name,),
            handlers={NotificationRequested: notifications.take, NotificationsWithdrawn: notifications.withdraw},
        ),
        Subscription(
            group="notifier-directory",
            topics=(DIRECTORY.name,),
            handlers={PrincipalChanged: take_principal, PersonChanged: take_person},
        ),
    )
