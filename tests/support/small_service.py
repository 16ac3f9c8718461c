"""A whole service with one route and one file of configuration, for tests of what services share."""

from fastapi import APIRouter, Request
from pydantic_settings import SettingsConfigDict

from libs.common.auth import Viewer, take_principal
from libs.common.chance import Chance
from libs.common.clock import Clock
from libs.common.config import ConfigModel, ConfigTree, ConfigWatcher
from libs.common.consume import Subscription
from libs.common.db.work import Tx
from libs.common.events.directory import PrincipalChanged
from libs.common.service import Service, assemble, make_platform, run
from libs.common.settings import ServiceSettings
from tests.support.sample import Base, write


class SampleSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="TOCSIN_SAMPLE_")


class Word(ConfigModel):
    id: str
    text: str


class Words(ConfigModel):
    words: tuple[Word, ...]


async def take_words(tx: Tx, tree: ConfigTree) -> None:
    """Save every word of the tree as a note."""
    for word in tree.load("words.yaml", Words).words:
        await write(tx, word.text)


router = APIRouter(prefix="/v1")


@router.get("/me")
async def me(principal: Viewer) -> dict[str, str]:
    return {"id": principal.id}


@router.post("/principals", status_code=202)
async def tell(event: PrincipalChanged, request: Request) -> None:
    """Emit what was sent, as oncall would."""
    async with request.app.state.uow.begin() as tx:
        await tx.emit(event)


async def build(settings: SampleSettings, *, clock: Clock | None = None, chance: Chance | None = None) -> Service:
    """The service, not yet started."""
    platform = await make_platform("sample", settings, clock=clock, chance=chance)
    return assemble(
        platform,
        settings,
        title="Sample",
        metadata=[Base.metadata],
        migrations="tests.support.sample.migrations",
        routers=[router],
        subscriptions=[Subscription("sample", ("directory",), {PrincipalChanged: take_principal})],
        config=ConfigWatcher(settings.config_dir, ["words.yaml"], take_words, platform.uow, platform.clock),
    )


def main() -> None:
    """Run it as a process of its own."""
    run(build, SampleSettings)


if __name__ == "__main__":
    main()
