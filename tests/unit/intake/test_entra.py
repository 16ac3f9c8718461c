"""Azure's secure webhook: only the tenant's own tokens for this application are taken."""

import json
from datetime import timedelta
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from libs.common.errors import Forbidden
from services.intake.sources import azure
from services.intake.sources.base import Arrival
from tests.unit.intake.support import NOW, integration

TENANT = "9d1c3a52-1111-4222-8333-5f0d5f0d5f0d"
ENTRA = {"tenant": TENANT, "audience": "api://tocsin"}
ISSUER = f"https://sts.windows.net/{TENANT}/"


@cache
def private(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def published(*names: str) -> bytes:
    keys = []
    for name in names:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private(name).public_key()))
        keys.append({**key, "kid": name, "use": "sig"})
    return json.dumps({"keys": keys}).encode()


def token(signed_with: str = "a", kid: str | None = None, algorithm: str = "RS256", **changed: Any) -> str:
    claims = {
        "aud": "api://tocsin",
        "iss": ISSUER,
        "nbf": int(NOW.timestamp()) - 300,
        "exp": int(NOW.timestamp()) + 3600,
        "roles": ["ActionGroupsSecureWebhook"],
    } | changed
    claims = {name: value for name, value in claims.items() if value is not None}
    key: Any = None if algorithm == "none" else private(signed_with)
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid or signed_with})


class Pages:
    """The tenant's keys, as they stand before and after Microsoft changes them."""

    def __init__(self, *pages: bytes) -> None:
        self.pages = list(pages)
        self.asked: list[tuple[str, bool]] = []

    async def get(self, url: str, *, keep: bool = False, anew: bool = False) -> bytes:
        assert keep
        self.asked.append((url, anew))
        return self.pages[-1] if anew else self.pages[0]


async def checked(authorization: str | None, pages: Pages, options: dict[str, Any] | None = None) -> None:
    of = integration("azure", options={"entra": ENTRA if options is None else options})
    headers = {} if authorization is None else {"authorization": authorization}
    await azure.check(Arrival(headers, b"{}", of, NOW), pages)


@pytest.mark.parametrize("issuer", [ISSUER, f"https://login.microsoftonline.com/{TENANT}/v2.0"])
async def test_a_token_of_the_tenant_for_the_application_is_taken(issuer: str) -> None:
    pages = Pages(published("a"))
    await checked("Bearer " + token(iss=issuer), pages)
    assert pages.asked == [(f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys", False)]


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        (None, "secure webhooks alone"),
        ("Basic eDp5", "secure webhooks alone"),
        ("Bearer nothing", "cannot be read"),
        ("Bearer " + token(signed_with="b", kid="a"), "not one of the tenant"),
        ("Bearer " + token(algorithm="none"), "not one of the tenant"),
        ("Bearer " + token(aud="api://another"), "not one of the tenant"),
        ("Bearer " + token(aud=None), "not one of the tenant"),
        ("Bearer " + token(iss="https://sts.windows.net/another/"), "not one of the tenant"),
        ("Bearer " + token(exp=int((NOW - timedelta(minutes=6)).timestamp())), "expired"),
        ("Bearer " + token(nbf=int((NOW + timedelta(minutes=6)).timestamp())), "not valid yet"),
        ("Bearer " + token(roles=["Reader"]), "does not hold the role"),
        ("Bearer " + token(roles=None), "does not hold the role"),
    ],
)
async def test_what_is_not_the_tenants_token_is_refused_with_the_reason(authorization: str | None, said: str) -> None:
    with pytest.raises(Forbidden, match=said):
        await checked(authorization, Pages(published("a")))


async def test_a_key_that_the_tenant_has_changed_is_asked_for_anew_and_taken() -> None:
    pages = Pages(published("a"), published("a", "b"))
    await checked("Bearer " + token(signed_with="b"), pages)
    assert [anew for _, anew in pages.asked] == [False, True]


async def test_a_key_that_nobody_published_is_refused_though_asked_for_anew() -> None:
    with pytest.raises(Forbidden, match="not the tenant's"):
        await checked("Bearer " + token(signed_with="c"), Pages(published("a")))


async def test_without_the_option_no_token_is_asked_for() -> None:
    pages = Pages(published("a"))
    await azure.check(Arrival({}, b"{}", integration("azure"), NOW), pages)
    assert not pages.asked
