"""Integrations and their keys, changed by people: each change is audited, and every replica knows it at once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from libs.common.auth import IssuedKey, issue_key
from libs.common.db.work import Tx
from libs.common.errors import Conflict, FieldProblem, Invalid, NotFound
from libs.common.events.base import Actor
from services.intake.domain.integration import IntegrationRecord
from services.intake.handlers import farewell, heartbeats, providers
from services.intake.handlers.receive import Receiver
from services.intake.sources.base import pointer_of
from services.intake.sources.registry import all_sources
from services.intake.store import integrations as store


async def create(tx: Tx, receiver: Receiver, actor: Actor, record: IntegrationRecord) -> None:
    """Add an integration. Raises :class:`Conflict` where its id is taken, :class:`Invalid` where a field is wrong."""
    if await store.integration(tx.session, record.id) is not None:
        raise Conflict(f"There is an integration {record.id} already.")
    _check(record)
    await store.save_integration(tx, record)
    await heartbeats.align(tx, receiver, farewell.by_whom(actor))
    await store.audit(tx, actor, "integration created", record.id, _told(record))


async def change(tx: Tx, receiver: Receiver, actor: Actor, record: IntegrationRecord) -> None:
    """Replace an integration. Raises :class:`NotFound`, :class:`Conflict` and :class:`Invalid`."""
    present = await _own(tx, record.id)
    _check(record)
    by = farewell.by_whom(actor)
    await farewell.before_change(tx, receiver, present, record, by)
    await providers.withdraw(tx, present, record)
    await store.save_integration(tx, record)
    await heartbeats.align(tx, receiver, by)
    await store.audit(tx, actor, "integration changed", record.id, {"from": _told(present), "to": _told(record)})


async def remove(tx: Tx, receiver: Receiver, actor: Actor, integration_id: str) -> None:
    """Remove an integration with its keys. Raises :class:`NotFound` and :class:`Conflict`."""
    present = await _own(tx, integration_id)
    await farewell.before_removal(tx, receiver, present, farewell.by_whom(actor))
    await providers.withdraw(tx, present, None)
    await store.remove_integration(tx, integration_id)
    await store.audit(tx, actor, "integration removed", integration_id, _told(present))


async def issue(tx: Tx, actor: Actor, integration_id: str, expires_at: datetime | None) -> IssuedKey:
    """Give an integration one more key, also one of the configuration. The key is shown this once. Raises :class:`NotFound`."""
    await _present(tx, integration_id)
    if expires_at is not None and expires_at <= tx.now:
        raise Invalid("The key would have expired already.", problems=[FieldProblem("#/expires_at", "must lie ahead")])
    key = issue_key(tx.chance, "", expires_at)
    await store.add_key(tx, integration_id, key.hashed, "api")
    until = None if expires_at is None else expires_at.isoformat()
    await store.audit(tx, actor, "key issued", integration_id, {"key": key.hashed.id, "expires_at": until})
    return key


async def revoke(tx: Tx, actor: Actor, integration_id: str, key_id: str) -> None:
    """Take a key away. Raises :class:`NotFound`, and :class:`Conflict` for a key of the configuration."""
    await _present(tx, integration_id)
    key = await store.key_by_id(tx.session, key_id)
    if key is None or key.integration_id != integration_id:
        raise NotFound(f"{integration_id} has no key {key_id}.")
    if key.origin == "config":
        raise Conflict("This key comes from integrations.yaml; change it there.")
    await store.remove_keys(tx, [key_id])
    await store.audit(tx, actor, "key revoked", integration_id, {"key": key_id})


async def _present(tx: Tx, integration_id: str) -> IntegrationRecord:
    record = await store.integration(tx.session, integration_id)
    if record is None:
        raise NotFound(f"There is no integration {integration_id}.")
    return record


async def _own(tx: Tx, integration_id: str) -> IntegrationRecord:
    record = await _present(tx, integration_id)
    if record.origin == "config":
        raise Conflict(f"{integration_id} comes from integrations.yaml; change it there.")
    return record


def _check(record: IntegrationRecord) -> None:
    source = all_sources().get(record.source)
    if source is None:
        sentence = f"There is no source {record.source}; there are {', '.join(all_sources())}."
        raise Invalid(sentence, problems=[FieldProblem("#/source", sentence)])
    try:
        source.options.model_validate(record.options)
    except ValidationError as error:
        problems = [
            FieldProblem(pointer_of("options", *problem["loc"]), problem["msg"])
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise Invalid(f"The options are not those of the source {record.source}.", problems=problems) from error


def _told(record: IntegrationRecord) -> Mapping[str, Any]:
    return {"name": record.name, "source": record.source, "kind": record.kind, "options": dict(record.options)}
