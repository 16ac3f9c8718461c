"""Whether a mail is from whom it says: what our own mail server found when it came in (RFC 8601).

Anybody can write ``Authentication-Results`` into a mail. Only those count that bear the name of a server of ours and stand above
everything that came with the mail: our server puts its own on top. What stands below is forged until somebody proves the contrary.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final

from authres import AuthenticationResultsHeader, AuthResError, all_features

from services.intake.domain.message import Mail

HEADER: Final = "authentication-results"
NAMELESS: Final = "-"
"""Stands for a server that leaves its name away, as Microsoft 365 does."""

ORIGINAL: Final = "x-original-authentication-results"
"""Where a mailing list keeps what its own server found when the author's mail came in."""

DOMAINS: Final = {
    "dkim": (("header", "d"), ("header", "i")),
    "spf": (("smtp", "mailfrom"),),
    "dmarc": (("header", "from"),),
}
"""Which properties of a finding name the domain that it is about (RFC 8601, 2.7)."""


@dataclass(frozen=True, slots=True)
class Result:
    """One finding: ``dkim``, ``pass``, and the domain that it is about."""

    method: str
    verdict: str
    domain: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the sender."""

    proven: bool
    """Whether the author's domain is proven by a server that we believe: by DMARC, or by DKIM or SPF of that same domain."""
    failed: bool
    """Whether a check says that it is not the author's. That is believed of everybody: nobody forges it to his own harm."""
    told: bool
    """Whether a server that we believe found anything."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Whose findings are believed."""

    ids: tuple[str, ...] = ()
    """The names under which our own servers put their findings into a mail."""
    count: int = 1
    """How many of the topmost headers are theirs."""
    lists: tuple[str, ...] = ()
    """Domains of mailing lists of ours, which say what they found before they rewrote the mail."""


def evidence_of(mail: Mail, servers: Servers, own: str = "") -> Evidence:
    """What the servers that we believe, and ``own`` of a transport that verified itself, say of the author."""
    stamps = [_stamp(value) for name, value in mail.headers if name == HEADER]
    known = {one.lower() for one in servers.ids}
    believed: list[Result] = []
    for server, results in stamps[: servers.count]:
        if server not in known:
            break
        believed += results
    if own:
        believed += _stamp(own)[1]
    lists = [one.lower() for one in servers.lists]
    if any(one.verdict == "pass" and one.method in DOMAINS and is_within(one.domain, lists) for one in believed):
        # what the list's server found counts in place of what is left after the list changed the mail
        believed = list(_stamp(mail.header(ORIGINAL))[1])
        stamps = []
    anybody = [*believed, *(result for _, results in stamps[:1] for result in results)]
    return Evidence(_proves(believed, mail.domain), _denies(anybody, mail.domain), bool(believed))


def is_within(domain: str, domains: Iterable[str]) -> bool:
    """Whether ``domain`` is one of ``domains`` or lies below one."""
    return any(domain == one or domain.endswith(f".{one}") for one in domains if one)


def _proves(results: Sequence[Result], author: str) -> bool:
    """DMARC alone where it was checked, since it counts alignment; else DKIM or SPF of the author's domain."""
    verdicts = {result.verdict for result in results if result.method == "dmarc"}
    if "fail" in verdicts or not author:
        return False
    return any(
        result.verdict == "pass" and result.method in ("dmarc", "dkim", "spf") and _aligned(result.domain, author)
        for result in results
    )


def _denies(results: Sequence[Result], author: str) -> bool:
    verdicts = {result.verdict for result in results if result.method == "dmarc"}
    if verdicts & {"fail", "pass"}:
        return "fail" in verdicts
    checks = [result for result in results if result.method in ("dkim", "spf")]
    return any(result.verdict == "fail" for result in checks) and not _proves(checks, author)


def _aligned(domain: str, author: str) -> bool:
    """Relaxed alignment (RFC 7489, 3.1): one lies below the other, or they are the same."""
    return bool(domain) and (is_within(author, [domain]) or is_within(domain, [author]))


def _stamp(value: str) -> tuple[str, tuple[Result, ...]]:
    """The server's name and its findings; no findings where the header cannot be read."""
    server, _, rest = value.partition(";")
    if "=" in server.partition("(")[0]:
        server, rest = NAMELESS, value
    rest = "; ".join(part.strip() for part in rest.split(";") if part.strip())
    try:
        header: AuthenticationResultsHeader = all_features().parse(
            f"Authentication-Results: {server}; {rest or 'none'}"
        )
    except (AuthResError, ValueError, TypeError, AttributeError, IndexError, RecursionError):
        # what cannot be read proves nothing
        return server.strip().partition(" ")[0].lower(), ()
    results = tuple(
        Result(str(one.method).lower(), str(one.result).lower(), _domain_of(one.method, one.properties))
        for one in header.results
    )
    return str(header.authserv_id or "").lower(), results


def _domain_of(method: str, properties: Iterable[Any]) -> str:
    """The domain that a finding is about: what signed, what the envelope named, or what the author's header names."""
    told = {(str(one.type).lower(), str(one.name).lower()): str(one.value or "") for one in properties}
    for place in DOMAINS.get(str(method).lower(), ()):
        domain = told.get(place, "").rpartition("@")[2].strip('<> ."').lower()
        if domain:
            return domain
    return ""


def is_near(peer: str, networks: Iterable[str]) -> bool:
    """Whether the machine with this address lies in one of ``networks``."""
    try:
        address = ip_address(peer.strip("[]"))
    except ValueError:
        return False
    return any(address in ip_network(one, strict=False) for one in networks)
