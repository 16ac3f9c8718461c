"""Cross references of the configuration: what is wrong with it as a whole, and what is merely worth a look."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from libs.common.rules import meant
from services.oncall.domain.directory import DEFAULT_ROTA, NOUNS, PLURALS, Directory
from services.oncall.domain.layer import Layer
from services.oncall.domain.noun import Noun
from services.oncall.domain.nouns import Owned, PrincipalEntry, Role, Service, Team, Tenant, Tool
from services.oncall.domain.rota import Rota, Turn
from services.oncall.domain.schedule import shifts
from services.oncall.domain.shift import Shift

Tree = Mapping[str, Sequence[Noun]]
"""The entities of a configuration tree by noun, in the order of their files."""

LOOKAHEAD: Final = timedelta(days=14)
"""How far ahead rotas are looked through for gaps and overlaps."""

NEEDED_ROLES: Final = ("pm", "devops")
"""The roles that stand in where a tool or a maintenance names nobody."""

_RESPONSIBLE: Final = frozenset({"person", "team", "role", "rota"})
"""What can be responsible for something."""

_MEMBERS: Final = frozenset({"on-shift"})
"""The only keyword that may be a member: the others need an incident."""


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where: ``path`` leads from the top key of the noun's file, such as ``("teams", 2, "members", 0)``."""

    noun: str
    id: str
    path: tuple[str | int, ...]
    text: str

    def __str__(self) -> str:
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).lstrip(".")
        return f"{where}: {self.text}"


def errors(tree: Tree) -> list[Problem]:
    """Why the tree cannot be taken in, in the order of its files."""
    found = [*_duplicates(tree), *_dangling(tree), *_circles(tree)]
    if not any(rota.id == DEFAULT_ROTA for rota in tree.get("rota", ())):
        text = f"there must be a rota with the id {DEFAULT_ROTA!r}: it is the team on shift"
        found.append(Problem("rota", DEFAULT_ROTA, ("rotas",), text))
    return found


def warnings(directory: Directory, now: datetime) -> list[Problem]:
    """What is in force, and may still leave somebody unreached."""
    found = list(_dangling({noun: list(directory.shelf(noun).values()) for noun in NOUNS}))
    found += [problem for number, rota in enumerate(directory.rotas.values()) for problem in _rota(rota, number, now)]
    for number, person in enumerate(directory.people.values()):
        if not person.contacts:
            text = f"{person.name} has no contact and cannot be told of anything"
            found.append(Problem("person", person.id, ("people", number, "contacts"), text))
    for noun in ("team", "role"):
        for number, group in enumerate(directory.shelf(noun).values()):
            if isinstance(group, Team | Role) and not group.members:
                text = f"{group.name} has no members"
                found.append(Problem(noun, group.id, (PLURALS[noun], number, "members"), text))
    for role in NEEDED_ROLES:
        if role not in directory.roles:
            text = f"there is no role {role!r}, which stands in where nobody else is named"
            found.append(Problem("role", role, ("roles",), text))
    return found


# Errors ------------------------------------------------------------------------------------------------------------


def _duplicates(tree: Tree) -> Iterator[Problem]:
    for noun, entities in tree.items():
        counts = Counter[str]()
        for number, entity in enumerate(entities):
            counts[entity.id] += 1
            if counts[entity.id] == 2:
                text = f"there is more than one {noun} with the id {entity.id!r}"
                yield Problem(noun, entity.id, (PLURALS[noun], number, "id"), text)
            if isinstance(entity, Tenant):
                yield from _duplicate_contacts(entity, number)


def _duplicate_contacts(tenant: Tenant, number: int) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, contact in enumerate(tenant.contacts):
        if contact.id in seen:
            text = f"{tenant.name} has more than one contact with the id {contact.id!r}"
            yield Problem("tenant", tenant.id, ("tenants", number, "contacts", place, "id"), text)
        seen.add(contact.id)


def _dangling(tree: Tree) -> Iterator[Problem]:
    known = {noun: {entity.id for entity in tree.get(noun, ())} for noun in NOUNS}
    for noun, entities in tree.items():
        for number, entity in enumerate(entities):
            for reference in references(entity):
                trouble = _trouble(reference, known)
                if trouble:
                    yield Problem(noun, entity.id, (PLURALS[noun], number, *reference.path), trouble)


@dataclass(frozen=True)
class Reference:
    """What an entity refers to, and where it does so. ``kinds`` says what may stand there."""

    path: tuple[str | int, ...]
    ref: str
    kinds: frozenset[str] = _RESPONSIBLE


def _trouble(reference: Reference, known: Mapping[str, set[str]]) -> str | None:
    ref = reference.ref
    kind, colon, entity_id = ref.partition(":")
    if not colon:
        return None if kind in _MEMBERS else f"{ref!r} depends on an incident and cannot stand here"
    if kind not in reference.kinds:
        return f"{ref!r} is no reference to a person, team, role or rota"
    if entity_id not in known[kind]:
        return f"there is no {kind} {entity_id!r}{meant(entity_id, known[kind])}"
    return None


def references(entity: Noun) -> Iterator[Reference]:
    """What ``entity`` refers to."""
    if isinstance(entity, Owned) and entity.owner:
        yield Reference(("owner",), entity.owner)
    yield from _members_and_more(entity)


def _members_and_more(entity: Noun) -> Iterator[Reference]:
    match entity:
        case Team() | Role():
            yield from (Reference(("members", place), ref) for place, ref in enumerate(entity.members))
            yield from _listed("backups", "person", entity.backups)
        case Rota():
            for place, turn in enumerate(entity.turns):
                yield from _one(("turns", place, "person"), "person", turn.person)
            for place, layer in enumerate(entity.layers):
                for number, group in enumerate(layer.people):
                    yield from _listed_at(("layers", place, "people", number), "person", group)
            yield from _listed("backups", "person", entity.backups)
        case Service():
            yield from (Reference(("responsible",), ref) for ref in (entity.responsible,) if ref)
            yield from (Reference(("pm",), ref) for ref in (entity.pm,) if ref)
        case Tool():
            yield from (Reference(("pm",), ref) for ref in (entity.pm,) if ref)
        case Tenant():
            yield from _listed("services", "service", entity.services)
        case PrincipalEntry():
            yield from _one(("person",), "person", entity.person)
            yield from _listed("tenants", "tenant", entity.tenants or ())


def _listed(name: str, kind: str, ids: Sequence[str]) -> Iterator[Reference]:
    return _listed_at((name,), kind, ids)


def _listed_at(path: tuple[str | int, ...], kind: str, ids: Sequence[str]) -> Iterator[Reference]:
    for place, entity_id in enumerate(ids):
        yield from _one((*path, place), kind, entity_id)


def _one(path: tuple[str | int, ...], kind: str, entity_id: str | None) -> Iterator[Reference]:
    if entity_id is not None:
        yield Reference(path, f"{kind}:{entity_id}", frozenset({kind}))


def _circles(tree: Tree) -> Iterator[Problem]:
    """Teams and roles that contain themselves."""
    groups = {
        f"{noun}:{group.id}": group.members
        for noun in ("team", "role")
        for group in tree.get(noun, ())
        if isinstance(group, Team | Role)
    }
    for noun in ("team", "role"):
        for number, group in enumerate(tree.get(noun, ())):
            if _reaches(groups, f"{noun}:{group.id}"):
                text = f"{group.name} contains itself"
                yield Problem(noun, group.id, (PLURALS[noun], number, "members"), text)


def _reaches(groups: Mapping[str, Sequence[str]], start: str) -> bool:
    """Whether following members from ``start`` comes back to it."""
    seen: set[str] = set()
    ahead = list(groups.get(start, ()))
    while ahead:
        ref = ahead.pop()
        if ref == start:
            return True
        if ref not in seen:
            seen.add(ref)
            ahead.extend(groups.get(ref, ()))
    return False


# Warnings ----------------------------------------------------------------------------------------------------------


def _rota(rota: Rota, number: int, now: datetime) -> Iterator[Problem]:
    place = ("rotas", number)
    yield from _never(rota, place)
    laid_out = [shift for shift in shifts(rota, now, now + LOOKAHEAD) if shift.role == "primary"]
    gaps = _gaps(laid_out, now, now + LOOKAHEAD)
    if gaps:
        begin, end = gaps[0]
        text = f"nobody is on shift from {_show(begin)} to {_show(end)}; {len(gaps)} such gaps within {LOOKAHEAD.days} days"
        yield Problem("rota", rota.id, (*place, "layers" if rota.layers else "turns"), text)
    plain = [shift for shift in laid_out if shift.layer == "turns"]
    overlaps = [(one, two) for one, two in pairwise(plain) if two.starts_at < one.ends_at]
    if overlaps:
        one, two = overlaps[0]
        text = f"{one.person} and {two.person} are both on shift from {_show(two.starts_at)}; {len(overlaps)} such overlaps within {LOOKAHEAD.days} days"
        yield Problem("rota", rota.id, (*place, "turns"), text)
    for turn, planned in enumerate(rota.turns):
        if planned.person is None:
            text = f"nobody is planned for {planned.hours}; the backups stand in"
            yield Problem("rota", rota.id, (*place, "turns", turn, "person"), text)
    if not rota.backups and not any(layer.role == "secondary" for layer in rota.layers):
        yield Problem("rota", rota.id, (*place, "backups"), f"{rota.name} has no backups")


def _never(rota: Rota, place: tuple[str | int, ...]) -> Iterator[Problem]:
    """What ends before it begins: nobody is ever on shift in it."""
    parts: list[tuple[tuple[str | int, ...], Rota | Turn | Layer]] = [((), rota)]
    parts += [(("turns", number), turn) for number, turn in enumerate(rota.turns)]
    parts += [(("layers", number), layer) for number, layer in enumerate(rota.layers)]
    for below, part in parts:
        cut = isinstance(part, Layer) and part.since and part.until and part.until <= part.since
        if cut or (part.starts_on and part.ends_on and part.ends_on < part.starts_on):
            path = (*place, *below, "until" if cut else "ends_on")
            yield Problem("rota", rota.id, path, "it ends before it begins: nobody is ever on shift in it")


def _gaps(laid_out: Sequence[Shift], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The spans of ``[start, end)`` that no shift covers."""
    found = []
    covered = start
    for shift in laid_out:
        if shift.starts_at > covered:
            found.append((covered, shift.starts_at))
        covered = max(covered, shift.ends_at)
    if covered < end:
        found.append((covered, end))
    return found


def _show(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M UTC")
