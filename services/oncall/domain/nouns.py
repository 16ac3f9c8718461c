"""The things that a directory holds, as they stand in the configuration and in the answers of the API."""

import string
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from libs.common.events.base import RoleRef, Slug
from libs.common.events.directory import KeyRole
from services.oncall.domain.noun import Name, Noun, Value
from services.oncall.domain.people import ContactPoint
from services.oncall.domain.walltime import Zone

KEYWORDS: Final = frozenset(
    {
        "on-shift",
        "service-responsible",
        "pm",
        "tool-pm",
        "maintenance-team",
        "tenant-contacts",
        "client-contacts",
        "first",
    }
)
"""References that stand alone. Every other one is ``kind:id``; a bare id is a person's."""


def _full(value: Any) -> Any:
    """A bare id is a person's."""
    return f"person:{value}" if isinstance(value, str) and ":" not in value and value not in KEYWORDS else value


def _web(value: str) -> str:
    if not value.startswith(("https://", "http://", "{status_page}")):
        raise ValueError("a link begins with https:// or http://")
    return value


Ref = Annotated[RoleRef, BeforeValidator(_full)]
"""A reference to whoever is responsible; a bare id is short for ``person:ID``."""

Href = Annotated[str, AfterValidator(_web)]
"""An address on the web."""


class Owned(Noun):
    """A thing that somebody keeps in order."""

    owner: Ref | None = None
    """Who is warned of what will leave nobody: DevOps, where it is not given."""


class Team(Owned):
    """People who work on something together. ``backups`` stand in, in order, where no member can be reached."""

    members: tuple[Ref, ...] = ()
    backups: tuple[Slug, ...] = ()


class Role(Owned):
    """What somebody is responsible for in the ladder: DevOps, the CAO. Held by everybody in ``members``."""

    members: tuple[Ref, ...] = ()
    backups: tuple[Slug, ...] = ()


class NamedLink(Value):
    """A page of one thing, such as its dashboard."""

    href: Href
    text: str = ""


class Service(Owned):
    """A service of the system, who answers for it, and which PM decides in doubt."""

    responsible: Ref | None = None
    pm: Ref | None = None
    group: str = ""
    description: str = ""
    public: bool = True
    links: tuple[NamedLink, ...] = ()


class Tool(Owned):
    """A tool of somebody else's that is integrated, and the PM who answers for it."""

    pm: Ref | None = None
    links: tuple[NamedLink, ...] = ()


class TenantContact(Noun):
    """Somebody at a client. ``hears`` says what: of the tenant's status, of the client updates, or both."""

    hears: tuple[Literal["tenant", "client"], ...] = ("client",)
    contacts: tuple[ContactPoint, ...] = ()
    zone: Zone | None = None
    """The tenant's, where it is not given."""


class Tenant(Owned):
    """A client's part of the system."""

    zone: Zone = "UTC"
    services: tuple[Slug, ...] = ()
    """The services that it uses; empty means all of them."""
    page_key_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """SHA-256 of the secret in the address of its status page; without one the page is public."""
    contacts: tuple[TenantContact, ...] = ()
    links: tuple[NamedLink, ...] = ()


PLACEHOLDERS: Final = frozenset({"incident", "number", "service", "tool", "tenant", "provider", "status_page"})
"""What a check link may hold in braces."""


def placeholders(template: str) -> frozenset[str]:
    """What ``template`` holds in braces. Raises :class:`ValueError` where the braces do not match."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name is not None)


def _known(value: str) -> str:
    unknown = placeholders(value) - PLACEHOLDERS
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in sorted(PLACEHOLDERS))
        raise ValueError(f"{{{min(unknown)}}} is not known here; known are {known}")
    return value


class CheckLink(Noun):
    """A link that incidents carry. ``href`` and ``name`` may hold :data:`PLACEHOLDERS` in braces: ids in the address, names in
    the name. It is left out of an incident that lacks what it holds, and stands once for each tenant where it holds ``{tenant}``.
    """

    name: Annotated[Name, AfterValidator(_known)]
    href: Annotated[Href, AfterValidator(_known)]
    provider: Slug | None = None
    """Only where the incident is of this provider."""
    public: bool = False
    """Whether a client may see it."""


class PrincipalEntry(Noun):
    """Somebody or a program that holds keys."""

    roles: tuple[KeyRole, ...] = ("viewer",)
    tenants: tuple[Slug, ...] | None = None
    """The tenants whose incidents it may see; ``None`` is all of them."""
    person: Slug | None = None
    """The person whom it stands for."""
