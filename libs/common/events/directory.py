"""Topic ``directory`` (compacted): what every service may need to know of people and things. Key = noun + entity id.

``removed`` says that the entity is gone; the event stays as the newest of its key.
"""

from typing import ClassVar, Literal

from libs.common.events.base import Event, Instant, Link, Model, RoleRef, Slug

KeyRole = Literal["admin", "operator", "viewer"]
"""What a principal may do: ``viewer`` reads, ``operator`` also acts on incidents, ``admin`` also changes configuration and keys."""

ProviderHealth = Literal["operational", "quiet", "disrupted", "unknown"]
"""How a provider stands: nothing is open and its page would say so; nothing is open, which proves nothing; something that concerns us is
open; nobody knows."""


class HashedKey(Model):
    """An API key as everybody but its owner knows it."""

    id: str
    """The public part of the key, by which it is found."""
    digest: str
    """SHA-256 of the secret part, hexadecimal."""
    expires_at: Instant | None = None


class DirectoryEntry(Event):
    """What all directory events share. Not sent itself."""

    topic: ClassVar[str] = "directory"
    noun: ClassVar[str]
    type: str

    id: Slug
    name: str
    removed: bool = False
    at: Instant

    @property
    def key(self) -> str:
        """Noun and id."""
        return f"{self.noun}:{self.id}"


class PrincipalChanged(DirectoryEntry):
    """Sent when a principal, its roles, its tenants or its keys changed."""

    noun: ClassVar[str] = "principal"
    type: Literal["tocsin.directory.principal_changed.v1"] = "tocsin.directory.principal_changed.v1"
    roles: tuple[KeyRole, ...] = ()
    tenants: tuple[str, ...] | None = None
    """The tenants whose incidents it may see; ``None`` is all of them."""
    keys: tuple[HashedKey, ...] = ()
    person: str | None = None
    """The id of the person who it stands for, if it stands for one."""


class PersonChanged(DirectoryEntry):
    """Sent when a person was added, renamed or removed. Addresses stay with oncall."""

    noun: ClassVar[str] = "person"
    type: Literal["tocsin.directory.person_changed.v1"] = "tocsin.directory.person_changed.v1"
    zone: str = "UTC"
    slack: tuple[str, ...] = ()
    """The ids of their own in Slack, by which they are known where they act there: names, like an id, and no secret."""


class TeamChanged(DirectoryEntry):
    """Sent when a team or its members changed."""

    noun: ClassVar[str] = "team"
    type: Literal["tocsin.directory.team_changed.v1"] = "tocsin.directory.team_changed.v1"
    members: tuple[RoleRef, ...] = ()


class ServiceChanged(DirectoryEntry):
    """Sent when a service of the system changed."""

    noun: ClassVar[str] = "service"
    type: Literal["tocsin.directory.service_changed.v1"] = "tocsin.directory.service_changed.v1"
    group: str = ""
    description: str = ""
    position: int = 0
    public: bool = True
    links: tuple[Link, ...] = ()


class ToolChanged(DirectoryEntry):
    """Sent when an integrated tool changed."""

    noun: ClassVar[str] = "tool"
    type: Literal["tocsin.directory.tool_changed.v1"] = "tocsin.directory.tool_changed.v1"
    pm: str | None = None
    """The name of the PM who is responsible for it."""
    links: tuple[Link, ...] = ()


class TenantChanged(DirectoryEntry):
    """Sent when a tenant changed. Its contacts stay with oncall."""

    noun: ClassVar[str] = "tenant"
    type: Literal["tocsin.directory.tenant_changed.v1"] = "tocsin.directory.tenant_changed.v1"
    zone: str = "UTC"
    services: tuple[Slug, ...] = ()
    """The services that it uses; empty means all of them."""
    page_key_digest: str | None = None
    """SHA-256 of the secret in the address of its status page; ``None`` leaves the page public."""
    links: tuple[Link, ...] = ()


class ProviderChanged(DirectoryEntry):
    """Sent when a provider stands otherwise than before as its own status page tells, or when that page is no longer shown.

    Its id is that of the integration by which intake asks the page.
    """

    noun: ClassVar[str] = "provider"
    type: Literal["tocsin.directory.provider_changed.v1"] = "tocsin.directory.provider_changed.v1"
    provider: str = ""
    """As incidents name it."""
    health: ProviderHealth = "unknown"
    since: Instant


class RotaChanged(DirectoryEntry):
    """Sent when a rota was added, changed or removed."""

    noun: ClassVar[str] = "rota"
    type: Literal["tocsin.directory.rota_changed.v1"] = "tocsin.directory.rota_changed.v1"
    zone: str = "UTC"
