"""The escalator's part of the configuration tree: routing, ladders and clocks, in force together or not at all."""

from libs.common.config import ConfigTree
from libs.common.db.work import Tx
from services.escalator.domain.policies import ClocksFile, LaddersFile, Policies, RoutingFile
from services.escalator.store import policies

FILES = ("routing.yaml", "ladders.yaml", "clocks.yaml")


async def take_config(tx: Tx, tree: ConfigTree) -> None:
    """Put the tree in force for incidents that open from now on. Raises :class:`Misconfigured` with file, line and rule."""
    wanted = Policies(
        routing=tree.load("routing.yaml", RoutingFile).routing,
        ladders=tree.load("ladders.yaml", LaddersFile).ladders,
        clocks=tree.load("clocks.yaml", ClocksFile).clocks,
    )
    for place, rule in wanted.dangling():
        raise tree.error("routing.yaml", place, rule)
    await policies.replace(tx.session, wanted, tx.now)
