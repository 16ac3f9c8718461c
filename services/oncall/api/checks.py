"""The check links of an incident, as the directory has them now."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from libs.common.auth import Viewer
from libs.common.events.base import Link
from services.oncall.api.edge import Work
from services.oncall.domain.links import check_links, public_links
from services.oncall.store import directory as directory_store

router = APIRouter(prefix="/v1", tags=["directory"])

Text = Annotated[str, Field(max_length=200)]


class Concerned(BaseModel):
    """What of an incident decides which links it carries."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "id": "01936000-0000-7000-8000-00000000000c",
                    "number": 12,
                    "service": "proofing",
                    "tool": "ziflow",
                    "tenants": ["lumen"],
                }
            ]
        },
    )

    id: UUID
    number: int
    service: Text | None = None
    tool: Text | None = None
    provider: Text | None = None
    tenants: list[Text] = Field(default=[], max_length=200, description="Empty means every tenant.")


class CheckLinks(BaseModel):
    """What the people who work on the incident look at."""

    links: list[Link]


@router.post("/check-links", summary="The links that an incident carries")
async def render_links(concerned: Concerned, principal: Viewer, work: Work, request: Request) -> CheckLinks:
    """Rendered as for a message that goes out now. Who is bound to tenants gets those that clients may see."""
    async with work.read() as session:
        directory = await directory_store.directory(session)
    rendered = check_links if principal.tenants is None else public_links
    return CheckLinks(links=list(rendered(directory, concerned, request.app.state.status_page)))
