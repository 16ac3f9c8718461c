"""Events → handlers: what sources report, what became of messages, and who may call."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from libs.common.auth import take_principal
from libs.common.consume import Handler, Subscription
from libs.common.db.work import Tx
from libs.common.events.deliveries import (
    DeliveryAddressed,
    DeliveryExhausted,
    DeliveryFailed,
    DeliverySent,
    ReplyReceived,
)
from libs.common.events.directory import PrincipalChanged
from libs.common.events.topics import DELIVERIES, DIRECTORY, TRIGGERS
from libs.common.events.triggers import TriggerAcknowledged, TriggerNoted, TriggerQuarantined, TriggerReceived
from libs.common.metrics import Metrics
from services.escalator.handlers import deliveries, quarantine, remarks, triggers
from services.escalator.handlers.case import Desk

GROUP: Final = "escalator"


def subscription(metrics: Metrics, statuspage_url: str | None = None) -> Subscription:
    """What the escalator reads; notices lead to the console at ``statuspage_url``. Whether a message reached its device, and what else is in the directory, is passed over."""
    return Subscription(
        group=GROUP,
        topics=(TRIGGERS.name, DELIVERIES.name, DIRECTORY.name),
        handlers={
            TriggerReceived: _at_desk(metrics, triggers.on_trigger),
            TriggerAcknowledged: _at_desk(metrics, remarks.on_acknowledged),
            TriggerNoted: _at_desk(metrics, remarks.on_noted),
            TriggerQuarantined: _at_desk(metrics, partial(quarantine.on_quarantined, statuspage_url=statuspage_url)),
            DeliveryAddressed: _at_desk(metrics, deliveries.on_addressed),
            DeliverySent: _at_desk(metrics, deliveries.on_sent),
            DeliveryFailed: _at_desk(metrics, deliveries.on_failed),
            DeliveryExhausted: _at_desk(metrics, deliveries.on_exhausted),
            ReplyReceived: _at_desk(metrics, deliveries.on_reply),
            PrincipalChanged: take_principal,
        },
    )


def _at_desk(metrics: Metrics, handler: Callable[[Desk, Any], Awaitable[None]]) -> Handler:
    async def handle(tx: Tx, event: Any) -> None:
        await handler(Desk(tx, metrics), event)

    return handle
