"""The data folder of a local instance: its lock, its format, its secrets and what it tells scripts.

::

    DATA_DIR/  lock          held while an instance runs
               format        the version of this layout
               keys.json     keys made at the first start (mode 0600)
               run.json      where the running instance can be reached, and with what (mode 0600)
               postgres/     the embedded PostgreSQL
               kafka/        the local Apache Kafka, where one was asked for
"""

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from libs.common.chance import Chance
from libs.common.errors import Misconfigured

FORMAT = 1
"""The version of the layout above. A folder with a higher one was written by a newer Tocsin."""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


class DataFolder:
    """One instance's folder, locked from :meth:`open` until :meth:`close`."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self._lock: IO[str] | None = None

    def open(self) -> None:
        """Make the folder where it does not exist, and lock it.

        Raises :class:`Misconfigured` for a folder of a running instance, of a newer version, or one that cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / "lock").open("a+")
        except OSError as error:
            raise Misconfigured(
                f"the data folder {self.path} cannot be used ({error.strerror}): set TOCSIN_DATA_DIR to one that you can write to"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise Misconfigured(
                f"an instance is running on the data folder {self.path} already: stop it, or set TOCSIN_DATA_DIR and TOCSIN_PORT_BASE for a second one"
            ) from error
        self._lock = lock
        self._check_format()
        # What an instance that was killed left behind says nothing about this one.
        (self.path / "run.json").unlink(missing_ok=True)

    def close(self) -> None:
        """Give the folder free; :meth:`announce`'s file goes away."""
        if self._lock is not None:
            (self.path / "run.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def keys(self, names: Sequence[str], chance: Chance) -> dict[str, str]:
        """A key for each name: made once (32 lower-case letters and digits), the same at every later start."""
        path = self.path / "keys.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        missing = [name for name in names if name not in known]
        for name in missing:
            known[name] = _key(chance)
        if missing:
            write_private(path, known)
        return {name: known[name] for name in names}

    def announce(self, facts: Mapping[str, Any]) -> Path:
        """Write ``run.json``, so that a script can use the running instance without guessing."""
        path = self.path / "run.json"
        write_private(path, facts)
        return path

    def _check_format(self) -> None:
        path = self.path / "format"
        if not path.exists():
            path.write_text(f"{FORMAT}\n")
            return
        text = path.read_text().strip()
        if not text.isdigit() or int(text) > FORMAT:
            self.close()
            raise Misconfigured(
                f"the data folder {self.path} was written by a newer Tocsin (format {text}, this one knows {FORMAT}): upgrade Tocsin, or set TOCSIN_DATA_DIR to another folder"
            )


def write_private(path: Path, body: Mapping[str, Any]) -> None:
    """Write JSON that only its owner may read, all or nothing."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(body, file, indent=2)
        file.write("\n")
    draft.replace(path)


def _key(chance: Chance) -> str:
    value = int.from_bytes(chance.token(192).encode(), "big")
    letters: list[str] = []
    while len(letters) < 32:
        value, index = divmod(value, len(_ALPHABET))
        letters.append(_ALPHABET[index])
    return "".join(letters)
