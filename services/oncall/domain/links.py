"""The links that every incident carries (process.md, "What the people on it look at"), rendered from the directory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import quote
from uuid import UUID

from libs.common.events.base import Link
from services.oncall.domain.directory import Directory
from services.oncall.domain.nouns import CheckLink, NamedLink, Tenant, placeholders

MOST_TENANTS: Final = 6
"""For how many tenants an incident that concerns all of them carries links, so that a message stays readable."""


class Affected(Protocol):
    """What of an incident decides which links it carries."""

    @property
    def id(self) -> UUID:
        """The incident's id."""
        ...

    @property
    def number(self) -> int:
        """The incident's number."""
        ...

    @property
    def service(self) -> str | None:
        """The id of the service concerned."""
        ...

    @property
    def tool(self) -> str | None:
        """The id of the tool concerned."""
        ...

    @property
    def provider(self) -> str | None:
        """The name of the provider concerned."""
        ...

    @property
    def tenants(self) -> Sequence[str]:
        """The tenants concerned; empty means all of them."""
        ...


def check_links(directory: Directory, incident: Affected, status_page: str | None) -> tuple[Link, ...]:
    """What the people who work on ``incident`` look at: each address once."""
    templates = directory.links.values()
    return _once([*_rendered(directory, incident, status_page, templates), *_own(directory, incident)])


def public_links(directory: Directory, incident: Affected, status_page: str | None) -> tuple[Link, ...]:
    """The links that clients may see as well."""
    templates = [template for template in directory.links.values() if template.public]
    return _once(_rendered(directory, incident, status_page, templates))


def _rendered(
    directory: Directory, incident: Affected, status_page: str | None, templates: Iterable[CheckLink]
) -> Iterator[Link]:
    for template in templates:
        if template.provider is None or template.provider == (incident.provider or "").lower():
            holds = placeholders(template.href) | placeholders(template.name)
            for tenant in _tenants(directory, incident) if "tenant" in holds else (None,):
                ids, names = _values(directory, incident, tenant, status_page)
                if holds <= ids.keys():
                    yield Link(href=template.href.format_map(ids), text=template.name.format_map(names))


def _values(
    directory: Directory, incident: Affected, tenant: Tenant | None, status_page: str | None
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What stands for each placeholder in an address and in a name; only what the incident has and the directory knows."""
    ids = {"incident": str(incident.id), "number": str(incident.number)}
    names = dict(ids)
    if incident.provider:
        ids["provider"], names["provider"] = quote(incident.provider, safe=""), incident.provider
    known = {
        "service": directory.services.get(incident.service or ""),
        "tool": directory.tools.get(incident.tool or ""),
        "tenant": tenant,
    }
    for placeholder, entity in known.items():
        if entity is not None:
            ids[placeholder], names[placeholder] = entity.id, entity.name
    if status_page:
        ids["status_page"] = names["status_page"] = status_page.rstrip("/")
    return ids, names


def _tenants(directory: Directory, incident: Affected) -> list[Tenant]:
    """The tenants concerned that use the incident's service."""
    wanted = incident.tenants or tuple(directory.tenants)
    using = [
        tenant
        for tenant_id in wanted
        if (tenant := directory.tenants.get(tenant_id)) is not None
        and (incident.service is None or not tenant.services or incident.service in tenant.services)
    ]
    return using if incident.tenants else using[:MOST_TENANTS]


def _own(directory: Directory, incident: Affected) -> Iterator[Link]:
    """The links of the incident's service, tool and tenants themselves."""
    listed: list[NamedLink] = []
    for thing in (directory.services.get(incident.service or ""), directory.tools.get(incident.tool or "")):
        listed.extend(thing.links if thing else ())
    for tenant_id in incident.tenants:
        tenant = directory.tenants.get(tenant_id)
        listed.extend(tenant.links if tenant else ())
    for link in listed:
        yield Link(href=link.href, text=link.text)


def _once(links: Iterable[Link]) -> tuple[Link, ...]:
    """Each address once, where and as it came first."""
    kept: dict[str, Link] = {}
    for link in links:
        kept.setdefault(link.href, link)
    return tuple(kept.values())
