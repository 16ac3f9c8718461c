"""Integrations and their keys: read by viewers, changed by admins. And the sources that there are."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from libs.common.auth import Admin, Viewer
from libs.common.errors import NotFound
from services.intake.api.schemas import (
    Change,
    IntegrationChange,
    IntegrationShown,
    KeyIssued,
    NewIntegration,
    NewKey,
    SourceShown,
    shown,
)
from services.intake.api.state import Here
from services.intake.domain.integration import IntegrationRecord
from services.intake.handlers import manage
from services.intake.sources.pages import page
from services.intake.sources.registry import all_sources
from services.intake.store import integrations as store

router = APIRouter(tags=["integrations"])


@router.get("/v1/sources")
async def list_sources(_: Viewer) -> list[SourceShown]:
    """Every wire format that is read, with its page, an example and the schema of its options."""
    return [
        SourceShown(
            name=source.name,
            title=source.title,
            kind=source.kind,
            docs=page(source),
            example=source.example,
            options=source.options.model_json_schema(),
        )
        for source in all_sources().values()
    ]


@router.get("/v1/integrations")
async def list_integrations(_: Viewer, here: Here) -> list[IntegrationShown]:
    """Every integration with its keys, of which only the public part is shown."""
    async with here.uow.read() as session:
        records = await store.all_integrations(session)
        keys = await store.all_keys(session)
    return [shown(record, [key for key in keys if key.integration_id == record.id]) for record in records]


@router.get("/v1/integrations/{integration_id}")
async def get_integration(_: Viewer, here: Here, integration_id: str) -> IntegrationShown:
    """One integration."""
    async with here.uow.read() as session:
        record = await store.integration(session, integration_id)
        if record is None:
            raise NotFound(f"There is no integration {integration_id}.")
        return shown(record, await store.keys_of(session, integration_id))


@router.post("/v1/integrations", status_code=201)
async def create_integration(admin: Admin, here: Here, body: NewIntegration) -> IntegrationShown:
    """Add an integration; it has no key yet."""
    record = IntegrationRecord(body.id, body.name, body.source, body.kind, body.options, "api")
    async with here.uow.begin() as tx:
        await manage.create(tx, here.receiver, admin.actor(), record)
    return shown(record, [])


@router.put("/v1/integrations/{integration_id}")
async def change_integration(
    admin: Admin, here: Here, integration_id: str, body: IntegrationChange
) -> IntegrationShown:
    """Replace an integration that was made here; one of the configuration is changed there."""
    record = IntegrationRecord(integration_id, body.name, body.source, body.kind, body.options, "api")
    async with here.uow.begin() as tx:
        await manage.change(tx, here.receiver, admin.actor(), record)
        keys = await store.keys_of(tx.session, integration_id)
    return shown(record, keys)


@router.delete("/v1/integrations/{integration_id}", status_code=204)
async def remove_integration(admin: Admin, here: Here, integration_id: str) -> Response:
    """Remove an integration that was made here, with its keys. Bodies that it sent stay."""
    async with here.uow.begin() as tx:
        await manage.remove(tx, here.receiver, admin.actor(), integration_id)
    return Response(status_code=204)


@router.post("/v1/integrations/{integration_id}/keys", status_code=201)
async def issue_key(admin: Admin, here: Here, integration_id: str, body: NewKey | None = None) -> KeyIssued:
    """Give an integration one more key. Only this answer shows it."""
    expires_at = None if body is None else body.expires_at
    async with here.uow.begin() as tx:
        key = await manage.issue(tx, admin.actor(), integration_id, expires_at)
        record = await store.integration(tx.session, integration_id)
    source = "native" if record is None else record.source
    return KeyIssued(
        id=key.hashed.id,
        key=key.plain,
        expires_at=expires_at,
        hook_url=f"{here.public_url}/v1/hooks/{source}/{key.plain}",
    )


@router.delete("/v1/integrations/{integration_id}/keys/{key_id}", status_code=204)
async def revoke_key(admin: Admin, here: Here, integration_id: str, key_id: str) -> Response:
    """Take a key away that was issued here; one of the configuration is changed there."""
    async with here.uow.begin() as tx:
        await manage.revoke(tx, admin.actor(), integration_id, key_id)
    return Response(status_code=204)


@router.get("/v1/audit")
async def list_changes(_: Admin, here: Here, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[Change]:
    """Who changed which integration or key, the newest first."""
    async with here.uow.read() as session:
        trail = await store.audit_trail(session, limit)
    return [
        Change(at=at, actor=actor.model_dump(), action=action, subject=subject, detail=detail)
        for at, actor, action, subject, detail in trail
    ]
