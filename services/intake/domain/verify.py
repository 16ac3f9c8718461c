"""The option ``verify`` of an integration: how its sender signs, and where the secrets are."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.intake.domain.signatures import SchemeName


class Reference(BaseModel):
    """Where a secret is: ``{env: NAME}`` or ``{file: PATH}``. Secrets themselves never stand in options."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("give either env or file")
        return self


class Verify(BaseModel):
    """What a body must be signed with to be taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheme: SchemeName
    secrets: tuple[Reference, ...] = Field(min_length=1)
    """Any of them is good, so that a secret can be changed without a gap: add the new one, change the sender, remove the old one."""
    window_seconds: float = Field(300, gt=0, le=86_400)
    """How far the signed time may lie from ours."""
    header: str = ""
    """Grafana: the header of the signature, where it is not the usual one."""
    timestamp_header: str = ""
    """Grafana: the header of the signed time. Once it stands here, bodies without a time are refused."""
