from pathlib import Path

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.common.errors import Misconfigured
from libs.common.settings import ServiceSettings, load_settings


class IntakeSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="TOCSIN_INTAKE_")

    port: int = Field(8701, ge=0, le=65535)
    mail_password: SecretStr | None = None
    hosts: tuple[str, ...] = ()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """No variable of the machine's gets in; a database is always given."""
    import os

    for name in tuple(os.environ):
        if name.startswith("TOCSIN_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TOCSIN_DATABASE_URL", "postgresql://tocsin:hush@db/tocsin")
    return {}


def load() -> IntakeSettings:
    import os

    return load_settings(IntakeSettings, os.environ)


def test_the_services_own_variable_comes_before_the_shared_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_LOG_LEVEL", "error")
    monkeypatch.setenv("TOCSIN_HOST", "0.0.0.0")  # noqa: S104 - a value to read
    monkeypatch.setenv("TOCSIN_INTAKE_HOST", "10.0.0.1")
    settings = load()
    assert (settings.host, settings.log_level, settings.port) == ("10.0.0.1", "error", 8701)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_INTAKE_PORT", "")
    monkeypatch.setenv("TOCSIN_BUS_URL", "")
    settings = load()
    assert settings.port == 8701
    assert settings.bus_url is None


def test_a_list_is_read_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_INTAKE_HOSTS", '["a", "b"]')
    assert load().hosts == ("a", "b")


def test_the_log_level_may_be_written_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_LOG_LEVEL", "WARNING")
    assert load().log_level == "warning"


def test_a_secret_is_read_from_the_file_that_a_variable_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://from-a-file/tocsin\n")
    monkeypatch.delenv("TOCSIN_DATABASE_URL")
    monkeypatch.setenv("TOCSIN_DATABASE_URL_FILE", str(secret))
    assert load().database_url.get_secret_value() == "postgresql://from-a-file/tocsin"


def test_a_secrets_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOCSIN_INTAKE_MAIL_PASSWORD_FILE", str(tmp_path / "none"))
    with pytest.raises(Misconfigured, match=r"TOCSIN_INTAKE_MAIL_PASSWORD_FILE: the file .*none cannot be read"):
        load()


def test_the_databases_password_does_not_show() -> None:
    settings = load()
    assert "hush" not in repr(settings)
    assert "hush" not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("TOCSIN_INTAKE_PORT", "many", r"TOCSIN_INTAKE_PORT=many: .*integer"),
        ("TOCSIN_INTAKE_PORT", "70000", r"TOCSIN_INTAKE_PORT=70000: .*65535"),
        ("TOCSIN_INTAKE_PORT", "tcp://10.0.0.7:80", r"enableServiceLinks: false"),
        ("TOCSIN_LOG_LEVEL", "loud", r"TOCSIN_LOG_LEVEL=loud: .*'debug'"),
        ("TOCSIN_CLOCK_SPEED", "0", r"TOCSIN_CLOCK_SPEED=0: .*greater than 0"),
        ("TOCSIN_CLOCK_ORIGIN", "2026-11-24T09:00:00", r"TOCSIN_CLOCK_ORIGIN=.*timezone"),
        ("TOCSIN_INTAKE_BUS_URL", "amqp://rabbit:pass@host", r"TOCSIN_INTAKE_BUS_URL: must begin with kafka://"),
        ("TOCSIN_PUBLIC_URL", "tocsin.example", r"TOCSIN_PUBLIC_URL=tocsin.example: must begin with http"),
        ("TOCSIN_INTAKE_HOSTS", "a,b", r"TOCSIN_INTAKE_HOSTS"),
    ],
)
def test_a_bad_value_is_told_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Misconfigured, match=sentence) as caught:
        load()
    assert "rabbit:pass" not in caught.value.detail


def test_a_missing_database_is_told_with_the_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOCSIN_DATABASE_URL")
    with pytest.raises(Misconfigured, match="TOCSIN_DATABASE_URL is not set"):
        load()


def test_the_public_url_is_where_the_service_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().url == "http://127.0.0.1:8701"
    monkeypatch.setenv("TOCSIN_INTAKE_PUBLIC_URL", "https://in.example/")
    assert load().url == "https://in.example"
