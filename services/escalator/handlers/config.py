"""The escalator's part of the configuration tree: routing, ladders and clocks, in force together or not at all."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from pydantic import BaseModel

from libs.common.config import ConfigTree
from libs.common.configuration import Form
from libs.common.db.work import Tx
from libs.common.documents import Document
from libs.common.errors import Misconfigured
from services.escalator.domain.effects import effects
from services.escalator.domain.policies import ClocksFile, LaddersFile, Policies, RoutingFile
from services.escalator.store import incidents, policies

MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "routing.yaml": RoutingFile,
    "ladders.yaml": LaddersFile,
    "clocks.yaml": ClocksFile,
}
FILES: Final = tuple(MODELS)

LATELY: Final = timedelta(days=90)
"""Incidents that opened since then are examples of what happens."""


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


def proposed(known: Policies, documents: Mapping[str, Document]) -> Policies:
    """What would be in force with these files in the place of those that are. Raises :class:`Misconfigured` with file, line and rule."""
    tree = ConfigTree(documents)
    wanted = known
    if "routing.yaml" in documents:
        wanted = wanted.model_copy(update={"routing": tree.load("routing.yaml", RoutingFile).routing})
    if "ladders.yaml" in documents:
        wanted = wanted.model_copy(update={"ladders": tree.load("ladders.yaml", LaddersFile).ladders})
    if "clocks.yaml" in documents:
        wanted = wanted.model_copy(update={"clocks": tree.load("clocks.yaml", ClocksFile).clocks})
    for place, rule in wanted.dangling():
        raise tree.error("routing.yaml", place, rule) if "routing.yaml" in documents else Misconfigured(rule)
    return wanted


async def foresee(tx: Tx, change: Callable[[], Awaitable[None]]) -> Sequence[str]:
    """What ``change``, which this calls, does to people: which triggers would find others, and what would come at another time."""
    before = await policies.current(tx.session)
    seen = await incidents.kinds_of_late(tx.session, tx.now - LATELY)
    await change()
    after = await policies.current(tx.session)
    return await asyncio.to_thread(effects, before, after, seen, tx.now)


async def take_config(tx: Tx, tree: ConfigTree) -> None:
    """Put the tree in force for incidents that open from now on. Raises :class:`Misconfigured` with file, line and rule."""
    await policies.replace(tx.session, check(tree), tx.now)


FORM: Final = Form(MODELS, effects=foresee)
