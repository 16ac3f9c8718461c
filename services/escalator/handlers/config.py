"""The escalator's part of the configuration tree: routing, ladders and clocks, in force together or not at all."""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

from libs.common.config import ConfigTree
from libs.common.configuration import Form
from libs.common.db.work import Tx
from services.escalator.domain.policies import ClocksFile, LaddersFile, Policies, RoutingFile
from services.escalator.store import policies

MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "routing.yaml": RoutingFile,
    "ladders.yaml": LaddersFile,
    "clocks.yaml": ClocksFile,
}
FILES: Final = tuple(MODELS)
FORM: Final = Form(MODELS)


def check(tree: ConfigTree) -> Policies:
    """What the tree says. Raises :class:`Misconfigured` with file, line and rule."""
    wanted = Policies(
        routing=tree.load("routing.yaml", RoutingFile).routing,
        ladders=tree.load("ladders.yaml", LaddersFile).ladders,
        clocks=tree.load("clocks.yaml", ClocksFile).clocks,
    )
    for place, rule in wanted.dangling():
        raise tree.error("routing.yaml", place, rule)
    return wanted


async def take_config(tx: Tx, tree: ConfigTree) -> None:
    """Put the tree in force for incidents that open from now on. Raises :class:`Misconfigured` with file, line and rule."""
    await policies.replace(tx.session, check(tree), tx.now)
