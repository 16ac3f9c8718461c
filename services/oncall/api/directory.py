"""People, teams, roles, services, tools, tenants and links as they stand; what is doubtful of them; who changed what."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict

from libs.common.auth import Admin, Operator, Principal, Viewer
from libs.common.errors import FieldProblem, Invalid, NotFound
from services.oncall.api.edge import Now, Work, refuse_bound, sees_contacts, sees_tenant
from services.oncall.domain.directory import NOUNS, PLURALS
from services.oncall.domain.noun import Noun
from services.oncall.domain.nouns import Tenant
from services.oncall.domain.people import Person
from services.oncall.domain.validate import warnings
from services.oncall.handlers import directory as handlers
from services.oncall.handlers import entities
from services.oncall.store import audit
from services.oncall.store import directory as directory_store

router = APIRouter(prefix="/v1", tags=["directory"])

_OPEN: Final = tuple(noun for noun in PLURALS if noun != "principal")
_INSIDE: Final = frozenset({"person", "team", "role", "link"})
"""What nobody who is bound to tenants sees: it is about the house."""

EntityId = Annotated[str, Path(max_length=63)]


class Doubt(BaseModel):
    """Something that is configured and may still leave somebody unreached."""

    noun: str
    id: str
    place: str
    text: str


class Doubts(BaseModel):
    """Everything doubtful."""

    warnings: list[Doubt]


class AuditEntry(BaseModel):
    """Who did what, when."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    at: datetime
    actor: str
    action: str
    noun: str
    entity: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class AuditPage(BaseModel):
    """The newest entries first. ``next`` is the ``before`` of the next page."""

    audit: list[AuditEntry]
    next: UUID | None


class Republished(BaseModel):
    """How many entities are told to the other services again."""

    entities: int


def _add_routes(noun: str) -> None:
    plural = PLURALS[noun]

    async def list_entities(principal: Viewer, work: Work) -> dict[str, list[dict[str, Any]]]:
        """All of them, in the order of the configuration and with its fields."""
        return {plural: [_shown(principal, entity) for entity in await _visible(noun, principal, work)]}

    async def one_entity(entity_id: EntityId, principal: Viewer, work: Work) -> dict[str, Any]:
        """One of them, with the fields of the configuration."""
        for entity in await _visible(noun, principal, work):
            if entity.id == entity_id:
                return _shown(principal, entity)
        raise NotFound(f"There is no {noun} {entity_id!r}.")

    async def put_entity(
        entity_id: EntityId, entity: Any, principal: Admin, work: Work, response: Response
    ) -> dict[str, Any]:
        """Add it, or replace the one of this id. What comes from the configuration is changed there."""
        refuse_bound(principal)
        if entity.id != entity_id:
            detail = f"is {entity.id!r}, and the address says {entity_id!r}"
            raise Invalid(f"The id {detail}.", problems=(FieldProblem("#/id", detail),))
        async with work.begin() as tx:
            created = await entities.put(tx, entity, principal.id)
        response.status_code = 201 if created else 200
        return _shown(principal, entity)

    async def remove_entity(entity_id: EntityId, principal: Admin, work: Work) -> None:
        """Remove it, where nothing refers to it any more."""
        refuse_bound(principal)
        async with work.begin() as tx:
            await entities.remove(tx, noun, entity_id, principal.id)

    put_entity.__annotations__["entity"] = NOUNS[noun]
    router.add_api_route(
        f"/{plural}/{{entity_id}}",
        put_entity,
        methods=["PUT"],
        name=f"put_{noun}",
        operation_id=f"put_{noun}",
        summary=f"Add or replace a {noun}",
    )
    router.add_api_route(
        f"/{plural}/{{entity_id}}",
        remove_entity,
        methods=["DELETE"],
        status_code=204,
        name=f"remove_{noun}",
        operation_id=f"remove_{noun}",
        summary=f"Remove a {noun}",
    )
    router.add_api_route(
        f"/{plural}", list_entities, name=f"list_{plural}", operation_id=f"list_{plural}", summary=f"List the {plural}"
    )
    router.add_api_route(
        f"/{plural}/{{entity_id}}", one_entity, name=f"get_{noun}", operation_id=f"get_{noun}", summary=f"One {noun}"
    )


for _noun in _OPEN:
    _add_routes(_noun)


async def _visible(noun: str, principal: Principal, work: Work) -> list[Noun]:
    if noun in _INSIDE:
        refuse_bound(principal)
    async with work.read() as session:
        directory = await directory_store.directory(session)
    entities = directory.shelf(noun).values()
    return [entity for entity in entities if not isinstance(entity, Tenant) or sees_tenant(principal, entity.id)]


def _shown(principal: Principal, entity: Noun) -> dict[str, Any]:
    """The entity as the configuration writes it, without what the principal may not see."""
    hidden: set[str] = set()
    if isinstance(entity, Tenant):
        hidden = {"page_key_digest"} if principal.may("operator") else {"page_key_digest", "contacts"}
    elif isinstance(entity, Person) and not sees_contacts(principal):
        hidden = {"contacts", "chain", "quiet_hours"}
    elif principal.tenants is not None:
        hidden = {"responsible", "pm"}
    return entity.model_dump(mode="json", exclude=hidden)


@router.get("/warnings", summary="What is doubtful")
async def list_warnings(principal: Operator, work: Work, now: Now) -> Doubts:
    """Gaps and overlaps of rotas in the next days, people without contacts, empty teams and roles."""
    refuse_bound(principal)
    async with work.read() as session:
        directory = await directory_store.directory(session)
    found = warnings(directory, now)
    return Doubts(
        warnings=[
            Doubt(noun=problem.noun, id=problem.id, place=str(problem).partition(": ")[0], text=problem.text)
            for problem in found
        ]
    )


@router.get("/audit", summary="Who changed what")
async def list_audit(
    *,
    principal: Admin,
    work: Work,
    noun: Annotated[str | None, Query(max_length=20)] = None,
    entity: Annotated[str | None, Query(max_length=63)] = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> AuditPage:
    """Every change of the directory and of keys."""
    refuse_bound(principal)
    async with work.read() as session:
        rows = await audit.page(session, noun=noun, entity=entity, before=before, limit=limit)
        entries = [AuditEntry.model_validate(row) for row in rows]
    return AuditPage(audit=entries, next=entries[-1].id if len(entries) == limit else None)


@router.post("/directory/republish", status_code=202, summary="Tell the other services everything again")
async def republish(principal: Admin, work: Work) -> Republished:
    """For a bus that is new or lost its topics: every entity is announced again."""
    refuse_bound(principal)
    async with work.begin() as tx:
        entities = await handlers.republish(tx, principal.id)
    return Republished(entities=entities)
