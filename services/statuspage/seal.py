"""The secrets of a session. The cookie alone opens it: the database holds a digest of it and a key sealed under it."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from libs.common.chance import Chance

SECRET_BITS: Final = 256
NONCE: Final = bytes(12)
"""One key seals one message: each session derives its own, so that no nonce is ever used twice with it."""


@dataclass(frozen=True)
class SessionSecret:
    """What the cookie holds. Everything else of the session is derived from it."""

    cookie: str

    @property
    def digest(self) -> str:
        """By which the session is found; says nothing of the cookie."""
        return hashlib.sha256(b"session " + self.cookie.encode()).hexdigest()

    @property
    def csrf(self) -> str:
        """The token that every form of this session carries."""
        return hmac.new(self._derive(b"csrf"), b"form", hashlib.sha256).hexdigest()

    def allows(self, csrf: str) -> bool:
        """Whether a form's token is this session's."""
        return hmac.compare_digest(csrf.encode(), self.csrf.encode())

    def seal(self, key: str) -> bytes:
        """An API key, readable only with the cookie."""
        return AESGCM(self._derive(b"key")).encrypt(NONCE, key.encode(), self.digest.encode())

    def unseal(self, sealed: bytes) -> str | None:
        """The API key; ``None`` where it was not sealed under this cookie."""
        try:
            return AESGCM(self._derive(b"key")).decrypt(NONCE, sealed, self.digest.encode()).decode()
        except InvalidTag:
            return None

    def _derive(self, purpose: bytes) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=b"tocsin " + purpose).derive(self.cookie.encode())


def new_secret(chance: Chance) -> SessionSecret:
    """A fresh cookie."""
    return SessionSecret(chance.token(SECRET_BITS))


def token_digest(token: str) -> str:
    """By which a sign-in link is remembered once it was used."""
    return hashlib.sha256(b"sign-in " + token.encode()).hexdigest()


def same_token(given: str, expected: str) -> bool:
    """Whether a sign-in link's token is the one that was set; takes the same time whatever is wrong."""
    return hmac.compare_digest(token_digest(given), token_digest(expected))


def page_key_fits(given: str, digest: str) -> bool:
    """Whether the key in the address of a tenant's page is the one whose SHA-256 the directory names."""
    return hmac.compare_digest(hashlib.sha256(given.encode()).hexdigest(), digest.lower())
