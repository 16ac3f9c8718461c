"""Everything that oncall knows of people and things at one moment, found by noun and id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Final

from services.oncall.domain.amendments import Absence, Amendments
from services.oncall.domain.noun import Noun
from services.oncall.domain.nouns import CheckLink, PrincipalEntry, Role, Service, Team, Tenant, Tool
from services.oncall.domain.people import ContactPoint, Person
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import NOTHING

DEFAULT_ROTA: Final = "default"
"""The id of the rota that ``on-shift`` means."""

NOUNS: Final[Mapping[str, type[Noun]]] = MappingProxyType(
    {
        "person": Person,
        "team": Team,
        "role": Role,
        "rota": Rota,
        "service": Service,
        "tool": Tool,
        "tenant": Tenant,
        "link": CheckLink,
        "principal": PrincipalEntry,
    }
)
"""Every noun by its name, in an order in which later ones refer to earlier ones."""

PLURALS: Final[Mapping[str, str]] = MappingProxyType(
    {noun: "people" if noun == "person" else f"{noun}s" for noun in NOUNS}
)
"""The top key of a noun's file, which is the file's name and the path of the API as well."""

NOUN_OF: Final[Mapping[type[Noun], str]] = MappingProxyType({model: noun for noun, model in NOUNS.items()})


@dataclass(frozen=True)
class Directory:
    """The directory. Each mapping goes from id to entity, in the order of the configuration."""

    people: Mapping[str, Person] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    rotas: Mapping[str, Rota] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    tools: Mapping[str, Tool] = field(default_factory=dict)
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    links: Mapping[str, CheckLink] = field(default_factory=dict)
    principals: Mapping[str, PrincipalEntry] = field(default_factory=dict)
    amendments: Mapping[str, Amendments] = field(default_factory=dict)
    """What was changed of each rota for a while, by the rota's id; under ``""`` what concerns every other one."""
    read_absences: tuple[Absence, ...] = ()
    """Absences that calendars say."""
    verified: frozenset[tuple[str, str, str]] = frozenset()
    """Person, channel and address of each contact that a code proved."""

    @classmethod
    def of(cls, entities: Iterable[Noun]) -> "Directory":
        """The directory of these entities; of two with the same noun and id the later one stands."""
        shelves: dict[str, dict[str, Noun]] = {plural: {} for plural in PLURALS.values()}
        for entity in entities:
            shelves[PLURALS[NOUN_OF[type(entity)]]][entity.id] = entity
        return cls(**shelves)  # type: ignore[arg-type]  # each shelf holds the noun of its name

    def shelf(self, noun: str) -> Mapping[str, Noun]:
        """Everything of one noun."""
        found: Mapping[str, Noun] = getattr(self, PLURALS[noun])
        return found

    def entities(self) -> Iterable[tuple[str, Noun]]:
        """Everything, with its noun."""
        for noun in NOUNS:
            for entity in self.shelf(noun).values():
                yield noun, entity

    @cached_property
    def known_as(self) -> Mapping[str, str]:
        """The person's id for each id, name and address by which a calendar may call them, in small letters."""
        found: dict[str, str] = {}
        for person in self.people.values():
            for name in (person.id, person.name, *(point.address for point in person.contacts)):
                found.setdefault(name.casefold(), person.id)
        return found

    def unverified(self, person_id: str) -> tuple[ContactPoint, ...]:
        """The contacts of a person for which nobody vouches and that no code proved."""
        person = self.people.get(person_id)
        return tuple(
            point
            for point in (person.contacts if person else ())
            if not point.verified and (person_id, point.channel, point.address) not in self.verified
        )

    def amendments_of(self, rota_id: str) -> Amendments:
        """What was changed of a rota for a while."""
        return self.amendments.get(rota_id) or self.amendments.get("") or NOTHING

    def name_of_person(self, person_id: str | None) -> str:
        """The person's name, or the id where nobody has it."""
        person = self.people.get(person_id or "")
        return person.name if person else person_id or "nobody"
