"""Maintenance that recurs: once a day the occurrences that have come near are announced."""

from libs.common.db.timers import DueTimer
from libs.common.db.work import Tx
from libs.common.logs import get_logger
from services.intake.domain.series import ahead, split
from services.intake.domain.trigger import Reading
from services.intake.handlers.receive import Receiver
from services.intake.handlers.senders import integration_of, source_named
from services.intake.handlers.series import EVERY
from services.intake.handlers.understand import understand
from services.intake.store import deliveries, integrations
from services.intake.store import series as store

log = get_logger(__name__)


async def on_timer(tx: Tx, receiver: Receiver, timer: DueTimer) -> None:
    """A day has passed: announce the occurrences that have come near, as the newest body says them."""
    integration_id, key = timer.payload["integration"], timer.payload["series"]
    row = await store.held(tx, integration_id, key)
    record = await integrations.integration(tx.session, integration_id)
    integration = None if record is None else integration_of(record)
    body = None if row is None else await deliveries.delivery(tx.session, row.delivery_id)
    if row is None or integration is None or body is None:
        return
    source = source_named(integration.source)
    headers = {name: str(value) for name, value in body.headers.items()}
    reading = understand(source, integration, headers.items(), body.body, tx.now).reading
    series = next((one for one in reading.series if one.key == key), None)
    if series is None:  # what was understood once is no longer: a person is told, once
        log.warning("calendar no longer understood", integration=integration_id, series=key)
        if reading.refusals:
            await receiver.receive_in(tx, source, integration, headers, body.body, reading=reading)
        await store.forget(tx, integration_id, key)
        return
    fresh, known = ahead(series, split(reading)[key], store.known_of(row), tx.now)
    if fresh:
        await receiver.receive_in(tx, source, integration, headers, body.body, reading=Reading(fresh))
    if series.goes_on or known.told:
        await store.save(tx, row, integration_id, key, known, row.delivery_id)
        await tx.schedule(timer.kind, timer.key, tx.now + EVERY, timer.payload)
    else:
        await store.forget(tx, integration_id, key)
