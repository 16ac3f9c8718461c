"""The certificate of the mail server: files of the operator's, or one that is made at the start for use on one machine."""

import ssl
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from libs.common.errors import Misconfigured
from libs.common.logs import get_logger

log = get_logger(__name__)

SELF_SIGNED_FOR: Final = timedelta(days=398)


class Certificates:
    """The TLS context of the server. Files that change are read again with the next connection, so that they can be renewed."""

    def __init__(self, certificate: Path | None, key: Path | None, host: str, now: datetime) -> None:
        """Raises :class:`Misconfigured` where the files cannot be read or do not belong together."""
        if (certificate is None) != (key is None):
            raise Misconfigured("set both TOCSIN_INTAKE_SMTP_CERTIFICATE and TOCSIN_INTAKE_SMTP_KEY, or neither")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._files = None if certificate is None or key is None else (certificate, key)
        self._read_at: tuple[int, ...] = ()
        if self._files is None:
            self._use_own(host, now)
            return
        try:
            self._use_files(self._files)
        except (OSError, ssl.SSLError) as error:
            raise Misconfigured(f"the mail server's certificate {certificate} cannot be used: {error}") from error

    def context(self) -> ssl.SSLContext:
        """What the next connection is secured with. New files that cannot be used change nothing, and are told of."""
        if self._files is not None:
            try:
                self._use_files(self._files)
            except (OSError, ssl.SSLError) as error:
                log.warning("certificate not renewed", reason=str(error), certificate=str(self._files[0]))
        return self._context

    def _use_files(self, files: tuple[Path, Path]) -> None:
        stamp = tuple(file.stat().st_mtime_ns for file in files)
        if stamp == self._read_at:
            return
        self._context.load_cert_chain(*files)
        self._read_at = stamp

    def _use_own(self, host: str, now: datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + SELF_SIGNED_FOR)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with tempfile.NamedTemporaryFile(suffix=".pem") as pem:  # OpenSSL reads certificates from files alone
            pem.write(private + certificate.public_bytes(serialization.Encoding.PEM))
            pem.flush()
            self._context.load_cert_chain(pem.name)
