"""Settings from the environment: ``TOCSIN_<NAME>_FIELD`` first, then ``TOCSIN_FIELD``, which all services share.

Each of the two may also be given as a file: ``TOCSIN_DATABASE_URL_FILE=/run/secrets/database-url``. An empty variable
counts as not set. Only the composition root reads settings.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from libs.common.errors import Misconfigured

SHARED_PREFIX = "TOCSIN_"
"""What a variable begins with that is meant for every service."""

S = TypeVar("S", bound="ServiceSettings")


def _postgres_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("must begin with postgresql://")
    return value


def _bus_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("kafka://", "postgresql://", "postgres://")):
        raise ValueError("must begin with kafka:// or postgresql://")
    return value


def _http_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value.rstrip("/")


PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
"""``postgresql://…`` as libpq knows it; it may hold a password, so it never shows."""

BusUrl = Annotated[SecretStr, AfterValidator(_bus_url)]
"""``kafka://host:9092,…`` or ``postgresql://…``."""

HttpUrl = Annotated[str, AfterValidator(_http_url)]
"""``http(s)://…`` without a slash at the end."""


LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
]
"""The least that is logged, in any case."""


class ServiceSettings(BaseSettings):
    """What every service can be told. A subclass sets its ``env_prefix`` and adds its own."""

    model_config = SettingsConfigDict(env_prefix=SHARED_PREFIX, extra="ignore", frozen=True)

    database_url: PostgresUrl = Field(
        description="The PostgreSQL database; each service has a schema of its own in it."
    )
    database_pool: int = Field(
        5, ge=1, le=100, description="Connections that are kept open; as many again where needed."
    )
    bus_url: BusUrl | None = Field(None, description="The bus; without it the database carries it.")
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8700, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    public_url: HttpUrl | None = Field(None, description="Where people and senders reach this service from outside.")
    config_dir: Path = Field(Path("deploy/config"), description="The folder of the configuration tree.")
    log_level: LogLevel = Field("info", description="The least that is logged.")
    log_format: Literal["json", "console"] = Field("json", description="JSON lines, or colours for people.")
    clock_speed: float = Field(1.0, gt=0, le=100_000, description="Seconds of Tocsin's clock for one of the machine's.")
    clock_origin: AwareDatetime | None = Field(
        None, description="When a scaled clock and the machine's showed the same."
    )
    otlp_url: HttpUrl | None = Field(None, description="Where traces are sent (OTLP over HTTP); without it nowhere.")
    drain_seconds: float = Field(15.0, ge=0, le=600, description="How long a stopping service may finish its work.")

    @property
    def url(self) -> str:
        """Where this service is reached: the public URL, or where it listens."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the names are pydantic's
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment in the order that this module's docstring tells."""
        return init_settings, _NamedSource(settings_cls)


class _NamedSource(EnvSettingsSource):
    """Finds each field under the service's own name, then under the shared one, each also as a file."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        found = find_variable(self.settings_cls, field_name, self.env_vars)
        complex_value = self.field_is_complex(field)
        return (None if found is None else found[1]), field_name, complex_value

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.upper(): value for name, value in super()._load_env_vars().items()}


def variable_names(settings: type[BaseSettings], field: str) -> tuple[str, ...]:
    """The variables that may hold ``field``, the first found counts."""
    own = str(settings.model_config.get("env_prefix") or SHARED_PREFIX)
    prefixes = dict.fromkeys((own, SHARED_PREFIX))
    return tuple(f"{prefix}{field.upper()}" for prefix in prefixes)


def find_variable(
    settings: type[BaseSettings], field: str, environ: Mapping[str, str | None]
) -> tuple[str, str] | None:
    """The variable that holds ``field`` and its value, read from the file that ``<NAME>_FILE`` names where it is one."""
    for name in variable_names(settings, field):
        if value := environ.get(name):
            return name, value
        if path := environ.get(f"{name}_FILE"):
            return f"{name}_FILE", read_secret_file(Path(path), f"{name}_FILE")
    return None


def read_secret_file(path: Path, named_by: str) -> str:
    """The content of a secret's file without the line's end. Raises :class:`Misconfigured` if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Misconfigured(f"{named_by}: the file {path} cannot be read: {reason}") from error


def load_settings(settings: type[S], environ: Mapping[str, str]) -> S:
    """The settings from the environment. Raises :class:`Misconfigured`, whose sentence names the variable.

    ``environ`` is asked for the name under which a bad value was found; the values come from the process's own.
    """
    try:
        return settings()
    except ValidationError as error:
        problems = [_sentence(settings, dict(problem), environ) for problem in error.errors()]
        raise Misconfigured("; ".join(problems)) from error
    except SettingsError as error:
        if isinstance(error.__cause__, Misconfigured):
            raise error.__cause__ from error
        match = re.search(r'field "(\w+)"', str(error))
        found = find_variable(settings, match[1], environ) if match else None
        raise Misconfigured(f"{found[0] if found else error}: this is no JSON") from error


def _sentence(settings: type[BaseSettings], problem: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    field = str(problem["loc"][0]) if problem["loc"] else ""
    if problem["type"] == "missing":
        names = variable_names(settings, field)
        about = settings.model_fields[field].description or ""
        return f"{names[-1]} is not set. {about}".strip()
    found = find_variable(settings, field, environ)
    name = found[0] if found else variable_names(settings, field)[0]
    rule = str(problem["msg"]).removeprefix("Value error, ")
    rule = rule[:1].lower() + rule[1:]
    shown = problem.get("input")
    if field in SECRET_FIELDS or isinstance(shown, SecretStr) or not isinstance(shown, str | int | float):
        return f"{name}: {rule}"
    hint = ""
    if field == "port" and str(shown).startswith("tcp://"):
        hint = " (Kubernetes sets this for a Service of the same name: enableServiceLinks: false)"
    return f"{name}={shown}: {rule}{hint}"


SECRET_FIELDS: frozenset[str] = frozenset({"database_url", "bus_url"})
"""Fields whose values never show, also not in errors; those of type ``SecretStr`` do not anyway."""

__all__ = [
    "SHARED_PREFIX", "BusUrl", "HttpUrl", "PostgresUrl", "ServiceSettings", "find_variable", "load_settings",
    "read_secret_file", "variable_names",
]  # fmt: skip
