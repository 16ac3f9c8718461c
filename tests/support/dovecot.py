"""A real IMAP server (Debian's dovecot-imapd) with one account, run as a program of its own and stopped at the end."""

import grp
import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.intake.domain.mailbox import folder_name
from tests.support.certificates import self_signed
from tests.support.programs import free_port, program

USER = "ops"
PASSWORD = 'se"cret\\ of it'

CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
mail_location = maildir:{folder}/mail/%u
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
last_valid_uid = 0
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
passdb {{
  driver = passwd-file
  args = scheme=plain {folder}/accounts
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


@dataclass
class Dovecot:
    """Where it listens, and what a person would do with a mail program."""

    folder: Path
    port: int
    tls_port: int
    process: "subprocess.Popen[bytes] | None" = None

    def client(self) -> imaplib.IMAP4:
        """A client that is signed in."""
        client = imaplib.IMAP4("127.0.0.1", self.port)
        client.login(USER, PASSWORD)
        return client

    def put(self, raw: bytes, folder: str = "INBOX", flags: str = "") -> None:
        """Put a message into a folder."""
        with self.client() as client:
            assert client.append(folder, flags, "", raw)[0] == "OK"

    def look(self, folder: str = "INBOX") -> list[tuple[str, bytes]]:
        """The messages of a folder: their flags and their subjects."""
        with self.client() as client:
            client.select(folder_name(folder), readonly=True)
            _, found = client.search(None, "ALL")
            shown = []
            for number in found[0].split():
                _, flags = client.fetch(number.decode(), "(FLAGS)")
                _, head = client.fetch(number.decode(), "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
                part = head[0]
                assert isinstance(part, tuple)
                shown.append((str(flags[0]), part[1].strip()))
            return shown

    def empty(self, *folders: str) -> None:
        """Make the folders, with nothing in them."""
        with self.client() as client:
            for folder in folders:
                client.create(folder_name(folder))
                assert client.select(folder_name(folder))[0] == "OK"
                client.uid("STORE", "1:*", "+FLAGS", r"(\Deleted)")
                client.expunge()

    def start(self) -> None:
        """Start it, and return once it answers."""
        owner = pwd.getpwuid(_uid()) if os.getuid() == 0 else None
        with (self.folder / "stderr").open("ab") as errors:
            self.process = subprocess.Popen(
                [program("dovecot", "dovecot-imapd"), "-F", "-c", str(self.folder / "dovecot.conf")],
                user=None if owner is None else owner.pw_uid,
                group=None if owner is None else owner.pw_gid,
                extra_groups=None if owner is None else [],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"dovecot did not start: {(self.folder / 'stderr').read_text()}")

    def stop(self) -> None:
        """Stop it, and every process of its."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None


def _uid() -> int:
    """Whom it runs as: ourselves, and nobody in place of root, as which it refuses to open mailboxes."""
    return os.getuid() or pwd.getpwnam("nobody").pw_uid


@contextmanager
def running_dovecot() -> Iterator[Dovecot]:
    """A server with an empty mailbox."""
    folder = Path(tempfile.mkdtemp(prefix="dovecot-", dir="/tmp"))
    port, tls_port = free_port(), free_port()
    owner = pwd.getpwuid(_uid())
    certificate, key = self_signed("127.0.0.1")
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(key)
    (folder / "accounts").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    values = {
        "user": owner.pw_name,
        "group": grp.getgrgid(owner.pw_gid).gr_name,
        "uid": owner.pw_uid,
        "gid": owner.pw_gid,
    }
    (folder / "dovecot.conf").write_text(CONFIG.format(folder=folder, port=port, tls_port=tls_port, **values))
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, owner.pw_uid, owner.pw_gid)
    folder.chmod(0o755)
    server = Dovecot(folder, port, tls_port)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
