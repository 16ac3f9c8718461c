"""Whether a token of Microsoft Entra is the one that Azure's *secure webhook* sends with every body.

Source: Microsoft Learn, "Create and manage action groups", *Authentication for secure webhook*, and "Access tokens in the Microsoft identity
platform": the audience is the protected application, the issuer the tenant, and the caller holds the application's role.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import jwt
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

LEEWAY: Final = timedelta(minutes=5)
"""How far the clocks of Microsoft and ours may differ."""

ALGORITHMS: Final = ("RS256", "PS256")
"""What Entra signs with. A token that names another algorithm is nobody's."""


class Entra(BaseModel):
    """The option ``entra``: whose tokens are taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    """The id of the directory, in which the application stands."""
    audience: str = Field(min_length=1)
    """The application's ID URI (``api://…``), or its client id."""
    role: str = Field("ActionGroupsSecureWebhook", min_length=1)
    """The role of the application that the caller must hold."""

    @property
    def keys_url(self) -> str:
        """Where Microsoft publishes the keys of the tenant."""
        return f"https://login.microsoftonline.com/{self.tenant}/discovery/v2.0/keys"

    @property
    def issuers(self) -> tuple[str, str]:
        """Who issues its tokens, of version 1 and of version 2."""
        return f"https://sts.windows.net/{self.tenant}/", f"https://login.microsoftonline.com/{self.tenant}/v2.0"


class NotEntras(Exception):
    """The token is not one of the tenant for this application; ``args[0]`` is the sentence for its sender."""


class UnknownKey(NotEntras):
    """The token names a key that is not among those at hand: the tenant may have changed its keys."""


def check_token(token: str, keys: bytes, wanted: Entra, now: datetime) -> None:
    """Return where ``token`` is good at ``now``, by ``keys``, the document at :attr:`Entra.keys_url`. Raises :class:`NotEntras`."""
    claims = _claims(token, _key(token, keys), wanted)
    expires, begins, today = _seconds(claims, "exp"), _seconds(claims, "nbf"), now.timestamp()
    if expires is None or today >= expires + LEEWAY.total_seconds():
        raise NotEntras("The token has expired.")
    if begins is not None and today < begins - LEEWAY.total_seconds():
        raise NotEntras("The token is not valid yet.")
    roles = claims.get("roles")
    if not isinstance(roles, list) or wanted.role not in roles:
        raise NotEntras(f"The token does not hold the role {wanted.role} of the application.")


def _key(token: str, keys: bytes) -> Any:
    try:
        name = jwt.get_unverified_header(token).get("kid")
        known = jwt.PyJWKSet.from_json(keys.decode())
    except (jwt.PyJWTError, ValueError) as error:
        raise NotEntras(f"The token, or the tenant's keys, cannot be read: {error}.") from error
    found = next((key for key in known.keys if key.key_id == name), None)
    if found is None:
        raise UnknownKey("The token is signed with a key that is not the tenant's.")
    return found.key


def _claims(token: str, key: Any, wanted: Entra) -> Mapping[str, Any]:
    try:
        return jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            audience=wanted.audience,
            issuer=list(wanted.issuers),
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["exp", "iss", "aud"]},
        )
    except jwt.PyJWTError as error:
        raise NotEntras(f"The token is not one of the tenant for this application: {error}.") from error


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """A claim that is a time, in seconds since 1970 (RFC 7519, 2: NumericDate)."""
    value = claims.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
