"""The directory as the other services know it: one event for each entity, and which of them are news."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from libs.common.events.base import Link
from libs.common.events.directory import (
    DirectoryEntry,
    HashedKey,
    PersonChanged,
    PrincipalChanged,
    RotaChanged,
    ServiceChanged,
    TeamChanged,
    TenantChanged,
    ToolChanged,
)
from libs.common.slack_ids import is_member
from services.oncall.domain.directory import Directory
from services.oncall.domain.nouns import NamedLink
from services.oncall.domain.people import Person

Keys = Mapping[str, Sequence[HashedKey]]
"""The keys of each principal by its id."""

_Gone = Callable[..., DirectoryEntry]

_EVENTS: Final[Mapping[str, _Gone]] = {
    "person": PersonChanged,
    "team": TeamChanged,
    "rota": RotaChanged,
    "service": ServiceChanged,
    "tool": ToolChanged,
    "tenant": TenantChanged,
    "principal": PrincipalChanged,
}
"""What says of each noun that an entity is gone."""


def announcements(
    directory: Directory, keys: Keys, now: datetime, slack: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> list[DirectoryEntry]:
    """What everybody may know of every entity. Addresses, roles and links of incidents stay here.

    ``slack`` has the ids by which people act there, by person: those of :func:`acts_as`.
    """
    people = [
        PersonChanged(id=person.id, name=person.name, zone=person.zone, slack=slack.get(person.id, ()), at=now)
        for person in directory.people.values()
    ]
    teams = [TeamChanged(id=team.id, name=team.name, members=team.members, at=now) for team in directory.teams.values()]
    rotas = [RotaChanged(id=rota.id, name=rota.name, zone=rota.zone, at=now) for rota in directory.rotas.values()]
    principals = [
        PrincipalChanged(
            id=principal.id,
            name=principal.name,
            roles=principal.roles,
            tenants=principal.tenants,
            person=principal.person,
            keys=tuple(keys.get(principal.id, ())),
            at=now,
        )
        for principal in directory.principals.values()
    ]
    return [*people, *teams, *rotas, *_things(directory, now), *principals]


def acts_as(person: Person, configured: Person | None, proved: Collection[tuple[str, str]]) -> tuple[str, ...]:
    """By which ids somebody acts in Slack. What they said themselves counts once a code proved it: nobody takes somebody else's.

    ``configured`` is the person as the configuration has them, ``proved`` are channels and addresses. A channel's id names nobody.
    """
    known = {point.address for point in configured.contacts if point.channel == "slack"} if configured else set()
    known |= {address for channel, address in proved if channel == "slack"}
    ids = [point.address for point in person.contacts if point.channel == "slack" and is_member(point.address)]
    return tuple(dict.fromkeys(one for one in ids if one in known))


def _things(directory: Directory, now: datetime) -> list[DirectoryEntry]:
    services = [
        ServiceChanged(
            id=service.id,
            name=service.name,
            group=service.group,
            description=service.description,
            position=position,
            public=service.public,
            links=_links(service.links),
            at=now,
        )
        for position, service in enumerate(directory.services.values())
    ]
    tools = [
        ToolChanged(id=tool.id, name=tool.name, pm=_pm(directory, tool.pm), links=_links(tool.links), at=now)
        for tool in directory.tools.values()
    ]
    tenants = [
        TenantChanged(
            id=tenant.id,
            name=tenant.name,
            zone=tenant.zone,
            services=tenant.services,
            page_key_digest=tenant.page_key_digest,
            links=_links(tenant.links),
            at=now,
        )
        for tenant in directory.tenants.values()
    ]
    return [*services, *tools, *tenants]


def _pm(directory: Directory, ref: str | None) -> str | None:
    """The name of whom the reference of a tool's PM leads to."""
    if ref is None:
        return None
    kind, _, entity_id = ref.partition(":")
    shelves: Mapping[str, Mapping[str, object]] = {
        "person": directory.people,
        "team": directory.teams,
        "role": directory.roles,
        "rota": directory.rotas,
    }
    entity = shelves.get(kind, {}).get(entity_id)
    return str(getattr(entity, "name", ref))


def _links(links: Sequence[NamedLink]) -> tuple[Link, ...]:
    return tuple(Link(href=link.href, text=link.text) for link in links)


def digest_of(event: DirectoryEntry) -> str:
    """Tells what an event says from what another one says, whenever they were sent."""
    said = event.model_dump(mode="json", exclude={"at"})
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def news(
    current: Sequence[DirectoryEntry], announced: Mapping[tuple[str, str], tuple[str, str]], now: datetime
) -> list[DirectoryEntry]:
    """The events that say something new, and a last one for each entity that is gone.

    ``announced`` has name and digest of what was said last of each (noun, id).
    """
    fresh = [event for event in current if announced.get((event.noun, event.id), ("", ""))[1] != digest_of(event)]
    present = {(event.noun, event.id) for event in current}
    gone = [
        _EVENTS[noun](id=entity_id, name=name, removed=True, at=now)
        for (noun, entity_id), (name, _) in announced.items()
        if (noun, entity_id) not in present
    ]
    return [*fresh, *gone]
