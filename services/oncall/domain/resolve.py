"""From references to people: who is to be told at this moment, who is not, and why.

The rules, one function each: :data:`_RULES`. Where the first choice cannot be reached, the next of a chain takes the place, and
what was skipped says why; only a reference that leads to nobody at all leaves its place empty.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal

from libs.common.events.base import TICKET, Contact, Ticket
from libs.common.events.notifications import Recipient, Skipped, SkipReason
from services.oncall.domain.directory import DEFAULT_ROTA, Directory
from services.oncall.domain.nouns import Tenant, TenantContact
from services.oncall.domain.reach import AT_ONCE, Manner, contacts_for, quiet_until
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import on_shift


@dataclass(frozen=True)
class Context:
    """What of an incident decides who is responsible."""

    service: str | None = None
    tool: str | None = None
    tenants: tuple[str, ...] = ()
    """The tenants concerned; empty means all that use one of the services."""
    assigned_team: str | None = None
    first: tuple[str, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    services: tuple[str, ...] = ()
    """Every service that is concerned, where there are several."""


@dataclass(frozen=True)
class Resolution:
    """Who is to be told, each once, and who is not."""

    recipients: tuple[Recipient, ...] = ()
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class _Scene:
    """What every rule looks at. ``path`` holds the references that led here, so that a circle ends."""

    directory: Directory
    context: Context
    at: datetime
    role: str
    path: tuple[str, ...] = field(default=())
    manner: Manner = AT_ONCE


def resolve(
    directory: Directory, refs: Iterable[str], context: Context, at: datetime, manner: Manner = AT_ONCE
) -> Resolution:
    """The people whom ``refs`` mean at ``at``, to be told in this ``manner``. Somebody who is reached through two references is
    told once, by the first.
    """
    return _merged(_resolve(_Scene(directory, context, at, role=ref, manner=manner), ref) for ref in refs)


def _resolve(scene: _Scene, ref: str) -> Resolution:
    keyword, _, rest = ref.partition(":")
    rule = _RULES.get((keyword, bool(rest)))
    if rule is None:
        return _skip(ref, ref, "unknown_reference", "No such kind of reference.")
    if ref in scene.path:
        return _skip(ref, ref, "unknown_reference", "It refers to itself.")
    return rule(replace(scene, path=(*scene.path, ref)), rest)


# People and groups -------------------------------------------------------------------------------------------------


def _person(scene: _Scene, person_id: str) -> Resolution:
    ref = f"person:{person_id}"
    person = scene.directory.people.get(person_id)
    if person is None:
        return _skip(ref, person_id, "unknown_reference", "Nobody has this id.")
    quiet = quiet_until(person, scene.at) if scene.manner.waits else None
    return _somebody(scene, ref, person.name, contacts_for(person, scene.manner), person.zone, quiet)


def _team(scene: _Scene, team_id: str) -> Resolution:
    team = scene.directory.teams.get(team_id)
    if team is None:
        return _skip(f"team:{team_id}", team_id, "unknown_reference", "There is no such team.")
    return _group(scene, f"team:{team_id}", team.name, team.members, team.backups)


def _role(scene: _Scene, role_id: str) -> Resolution:
    role = scene.directory.roles.get(role_id)
    if role is None:
        return _skip(f"role:{role_id}", role_id, "unknown_reference", "There is no such role.")
    return _group(scene, f"role:{role_id}", role.name, role.members, role.backups)


def _group(scene: _Scene, ref: str, name: str, members: Sequence[str], backups: Sequence[str]) -> Resolution:
    """All members; where none of them can be reached, the first backup that can."""
    found = _merged(_resolve(scene, member) for member in members)
    if not members:
        found = _skip(ref, name, "role_vacant", "It has no members.")
    return found if found.recipients else _with_backup(scene, found, backups)


def _contact(scene: _Scene, address: str) -> Resolution:
    tenant_id, _, contact_id = address.partition("/")
    tenant = scene.directory.tenants.get(tenant_id)
    for contact in tenant.contacts if tenant else ():
        if tenant and contact.id == contact_id:
            return _tenant_contact(scene, tenant, contact)
    return _skip(f"contact:{address}", contact_id or address, "unknown_reference", "The tenant has no such contact.")


def _tenant_contact(scene: _Scene, tenant: Tenant, contact: TenantContact) -> Resolution:
    ref = f"contact:{tenant.id}/{contact.id}"
    points = tuple(Contact(channel=point.channel, address=point.address) for point in contact.contacts)
    return _somebody(scene, ref, contact.name, points, contact.zone or tenant.zone)


def _somebody(
    scene: _Scene, ref: str, name: str, contacts: tuple[Contact, ...], zone: str, quiet: datetime | None = None
) -> Resolution:
    if not contacts:
        return _skip(ref, name, "no_contact", f"{name} has neither a telephone number nor an e-mail address.")
    recipient = Recipient(ref=ref, name=name, role=scene.role, contacts=contacts, zone=zone, quiet_until=quiet)
    return Resolution((recipient,))


# Rotas -------------------------------------------------------------------------------------------------------------


def _on_shift(scene: _Scene, _: str) -> Resolution:
    return _rota(scene, DEFAULT_ROTA)


def _rota(scene: _Scene, rota_id: str) -> Resolution:
    """Every primary on shift; for each of them who cannot be reached, and for a shift without anybody, the first who can of the
    secondaries on shift and then of the backups. Shadows and managers see their shifts and are not paged.
    """
    rota = scene.directory.rotas.get(rota_id)
    if rota is None:
        return _skip(f"rota:{rota_id}", rota_id, "unknown_reference", "There is no such rota.")
    present = on_shift(rota, scene.at, scene.directory.amendments_of(rota_id))
    primaries = [shift.person for shift in present if shift.role == "primary"]
    stand_ins = [shift.person for shift in present if shift.role == "secondary" and shift.person]
    places = [_place(scene, rota, person) for person in primaries] or [_place(scene, rota, None)]
    backups = (*stand_ins, *rota.backups)
    return _merged(place if place.recipients else _with_backup(scene, place, backups) for place in places)


def _place(scene: _Scene, rota: Rota, person: str | None) -> Resolution:
    if person is not None:
        return _person(scene, person)
    return _skip(f"rota:{rota.id}", rota.name, "nobody_on_shift", f"Nobody is on shift in {rota.name} now.")


def _with_backup(scene: _Scene, found: Resolution, backups: Sequence[str]) -> Resolution:
    """``found``, which reaches nobody, and the first of ``backups`` who can be reached in the place of whom it skipped first."""
    for backup in backups:
        stand_in = _person(scene, backup)
        found = _merged([found, _in_place_of(found.skipped, stand_in)])
        if stand_in.recipients:
            break
    return found


# What an incident decides ------------------------------------------------------------------------------------------


def _first(scene: _Scene, _: str) -> Resolution:
    refs = [ref for ref in scene.context.first if ref != "first"]
    if not refs:
        return _skip(scene.role, "first recipients", "role_vacant", "The incident names no first recipients.")
    return _merged(_resolve(replace(scene, role=ref), ref) for ref in refs)


def _service_responsible(scene: _Scene, _: str) -> Resolution:
    """Who answers for the service; where that leads to nobody, the team on shift, so that nobody waits."""
    service = scene.directory.services.get(scene.context.service or "")
    if service is None:
        named = scene.context.service
        detail = f"There is no service {named!r} in the directory" if named else "The incident names no service"
        note = _skip(
            scene.role, named or "the affected service", "unknown_reference", f"{detail}; the team on shift is told."
        )
    elif service.responsible is None:
        note = _skip(
            scene.role, service.name, "role_vacant", f"Nobody answers for {service.name}; the team on shift is told."
        )
    else:
        return _chain(scene, (service.responsible, "on-shift"))
    return _merged([note, _chain(scene, ("on-shift",))])


def _pm(scene: _Scene, _: str) -> Resolution:
    """The PM of the tool, else of the service, else whoever is PM."""
    tool = scene.directory.tools.get(scene.context.tool or "")
    service = scene.directory.services.get(scene.context.service or "")
    own = [thing.pm for thing in (tool, service) if thing is not None and thing.pm is not None]
    return _chain(scene, (*own, "role:pm"))


def _tool_pm(scene: _Scene, _: str) -> Resolution:
    """The PM who is responsible for the tool; where there is none, as for ``pm``, with the reason."""
    named = scene.context.tool
    tool = scene.directory.tools.get(named or "")
    if tool is not None and tool.pm is not None:
        return _pm(scene, "")
    if tool is not None:
        note = _skip(scene.role, tool.name, "role_vacant", f"No PM is responsible for {tool.name}.")
    else:
        detail = f"There is no tool {named!r} in the directory." if named else "The incident names no tool."
        note = _skip(scene.role, named or "the tool", "unknown_reference", detail)
    return _merged([note, _pm(scene, "")])


def _maintenance_team(scene: _Scene, _: str) -> Resolution:
    """The team that is assigned to the maintenance, else DevOps."""
    team = scene.context.assigned_team
    if not team:
        return _chain(scene, ("role:devops",))
    if team not in scene.directory.teams:
        note = _skip(
            scene.role, team, "unknown_reference", f"There is no team {team!r} in the directory; DevOps is told."
        )
        return _merged([note, _chain(scene, ("role:devops",))])
    return _chain(scene, (f"team:{team}", "role:devops"))


def _chain(scene: _Scene, refs: Sequence[str]) -> Resolution:
    """The first reference that reaches somebody; who comes later stands in for whom the earlier ones skipped."""
    found = Resolution()
    for ref in refs:
        found = _merged([found, _in_place_of(found.skipped, _resolve(scene, ref))])
        if found.recipients:
            break
    return found


# Tenants -----------------------------------------------------------------------------------------------------------


def _tenant_contacts(scene: _Scene, _: str) -> Resolution:
    return _contacts_who_hear(scene, "tenant")


def _client_contacts(scene: _Scene, _: str) -> Resolution:
    return _contacts_who_hear(scene, "client")


def _contacts_who_hear(scene: _Scene, what: Literal["tenant", "client"]) -> Resolution:
    wanted = scene.context.tenants or _tenants_using(scene)
    return _merged(_contacts_of(scene, tenant_id, what) for tenant_id in wanted)


def _tenants_using(scene: _Scene) -> tuple[str, ...]:
    """Who feels what names no tenant: those that use one of its services; all of them where it names no service that is known."""
    context, directory = scene.context, scene.directory
    named = {service for service in (context.service, *context.services) if service in directory.services}
    return tuple(
        tenant.id
        for tenant in directory.tenants.values()
        if not named or not tenant.services or not named.isdisjoint(tenant.services)
    )


def _contacts_of(scene: _Scene, tenant_id: str, what: Literal["tenant", "client"]) -> Resolution:
    tenant = scene.directory.tenants.get(tenant_id)
    if tenant is None:
        return _skip(scene.role, tenant_id, "unknown_reference", f"There is no tenant {tenant_id!r} in the directory.")
    contacts = [contact for contact in tenant.contacts if what in contact.hears]
    if not contacts:
        return _skip(scene.role, tenant.name, "role_vacant", f"{tenant.name} has no contact for this.")
    return _merged(_tenant_contact(scene, tenant, contact) for contact in contacts)


# Tickets -----------------------------------------------------------------------------------------------------------


def _tickets(scene: _Scene, _: str) -> Resolution:
    return _merged(_told_ticket(scene, ticket) for ticket in scene.context.tickets)


def _ticket(scene: _Scene, rest: str) -> Resolution:
    ref = f"{TICKET}{rest}"
    for ticket in scene.context.tickets:
        if ticket.ref == ref:
            return _told_ticket(scene, ticket)
    return _skip(ref, rest, "unknown_reference", "The incident has no such ticket.")


def _told_ticket(scene: _Scene, ticket: Ticket) -> Resolution:
    """A ticket is told by a comment; who reads it is its helpdesk's to know."""
    contact = Contact(channel=ticket.channel, address=ticket.id)
    return Resolution((Recipient(ref=ticket.ref, name=f"Ticket {ticket.name}", role=scene.role, contacts=(contact,)),))


# Putting findings together -----------------------------------------------------------------------------------------


def _skip(ref: str, name: str, reason: SkipReason, detail: str) -> Resolution:
    return Resolution(skipped=(Skipped(ref=ref, name=name, reason=reason, detail=detail),))


def _in_place_of(skipped: Sequence[Skipped], found: Resolution) -> Resolution:
    """``found``, saying that its people stand in for the first one skipped, unless they stand in for somebody already."""
    if not skipped:
        return found
    told = (
        one if one.backup_for else one.model_copy(update={"backup_for": skipped[0].name}) for one in found.recipients
    )
    return Resolution(tuple(told), found.skipped)


def _merged(findings: Iterable[Resolution]) -> Resolution:
    """All findings, in order, everybody once."""
    recipients: dict[str, Recipient] = {}
    skipped: dict[tuple[str, str, str], Skipped] = {}
    for finding in findings:
        for recipient in finding.recipients:
            recipients.setdefault(recipient.ref, recipient)
        for skip in finding.skipped:
            skipped.setdefault((skip.ref, skip.name, skip.reason), skip)
    return Resolution(tuple(recipients.values()), tuple(skipped.values()))


_RULES: Final[Mapping[tuple[str, bool], Callable[[_Scene, str], Resolution]]] = MappingProxyType(
    {
        ("on-shift", False): _on_shift,
        ("first", False): _first,
        ("service-responsible", False): _service_responsible,
        ("pm", False): _pm,
        ("tool-pm", False): _tool_pm,
        ("maintenance-team", False): _maintenance_team,
        ("tenant-contacts", False): _tenant_contacts,
        ("client-contacts", False): _client_contacts,
        ("tickets", False): _tickets,
        ("ticket", True): _ticket,
        ("rota", True): _rota,
        ("team", True): _team,
        ("role", True): _role,
        ("person", True): _person,
        ("contact", True): _contact,
    }
)
"""Each kind of reference, and whether it has an id, with the rule that resolves it."""
