"""Which Tocsin is meant, where the command line does not say: the environment, then the instance on this machine."""

import json
from pathlib import Path
from typing import Any, Final

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from libs.common.settings import HttpUrl, read_secret_file
from services.cli.errors import failed
from services.settings import default_data_dir

NOWHERE: Final = (
    "which Tocsin is meant? Give --url (or TOCSIN_URL), the address of its status page; "
    "on this machine none runs that was started by `make run`"
)
KEYLESS: Final = (
    "give a key of an administrator: in TOCSIN_KEY, or in a file that --key-file (or TOCSIN_KEY_FILE) names"
)


class CliSettings(BaseSettings):
    """What the environment says to the command."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_", extra="ignore")

    url: HttpUrl | None = Field(None, description="The address of the status page.")
    key: SecretStr | None = Field(None, description="The key to ask with.")
    key_file: Path | None = Field(None, description="A file that holds the key.")
    data_dir: Path = Field(
        default_factory=default_data_dir, description="The data folder of the instance on this machine."
    )


def connection(url: str | None, key_file: Path | None) -> tuple[str, str]:
    """The address of the status page and the key. Raises :class:`Failed`."""
    try:
        settings = CliSettings()
    except ValidationError as error:
        raise failed(
            "; ".join(f"TOCSIN_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors())
        ) from error
    local = _local(settings.data_dir)
    own = str(local["services"]["statuspage"]["url"]).rstrip("/") if local else None
    address = (url or settings.url or own or "").rstrip("/")
    if not address:
        raise failed(NOWHERE)
    if not address.startswith(("http://", "https://")):
        raise failed(f"{address}: an address begins with http:// or https://")
    if key_file is not None:
        return address, read_secret_file(key_file, "--key-file")
    if settings.key is not None:
        return address, settings.key.get_secret_value()
    if settings.key_file is not None:
        return address, read_secret_file(settings.key_file, "TOCSIN_KEY_FILE")
    if local and _same(address, str(own)):
        return address, str(local["operator"]["key"])
    raise failed(KEYLESS)


def _local(data_dir: Path) -> dict[str, Any] | None:
    """What the running instance of this machine says of itself."""
    try:
        found: dict[str, Any] = json.loads((data_dir.expanduser() / "run.json").read_text())
    except (OSError, ValueError):
        return None
    return found


def _same(one: str, other: str) -> bool:
    return one.replace("127.0.0.1", "localhost") == other.replace("127.0.0.1", "localhost")
