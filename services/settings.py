"""Settings of ``python -m services``: a whole instance on one machine. Each is an environment variable ``TOCSIN_<NAME>``."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PORTS = {"statuspage": 0, "intake": 1, "escalator": 2, "oncall": 3, "notifier": 4}
"""Each service's port, counted from the base."""


def default_data_dir() -> Path:
    """``$XDG_DATA_HOME/tocsin``, which is ``~/.local/share/tocsin`` where that is not set."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "tocsin"


class LocalSettings(BaseSettings):
    """What can be set for an instance on one machine."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_", extra="ignore")

    data_dir: Path = Field(default_factory=default_data_dir, description="Where everything of this instance is kept.")
    port_base: int = Field(
        default=8700, ge=1, le=65500, description="The status page's port; the other services take the next four."
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    public_host: str = Field(default="", description="The host name in printed and sent URLs; the address where empty.")
    config_dir: Path = Field(default=Path("deploy/config"), description="The configuration tree.")
    bus: Literal["embedded", "kafka"] = Field(
        default="embedded", description="`kafka` starts a local Apache Kafka and uses it; `make run BUS=kafka` sets it."
    )
    bus_url: SecretStr = Field(
        default=SecretStr(""), description="A bus of your own: `kafka://host:9092,…` or `postgresql://…`."
    )
    database_url: SecretStr = Field(
        default=SecretStr(""), description="A PostgreSQL of your own; empty starts the embedded one."
    )
    clock_speed: float = Field(
        default=1.0, gt=0, le=3600, description="Seconds of Tocsin's clock for one of the machine."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="What the services log."
    )
    start_seconds: float = Field(default=30.0, gt=0, description="How long the start waits for everything to be ready.")
