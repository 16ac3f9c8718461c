"""What is in force for incidents that open from now on: routing, ladders and clocks, as the configuration tree says them."""

from fastapi import APIRouter

from libs.common.auth import Principal, Viewer
from libs.common.errors import Forbidden
from services.escalator.api.edge import Work
from services.escalator.domain.policies import ClocksFile, LaddersFile, Policies, RoutingFile
from services.escalator.store import policies

router = APIRouter(prefix="/v1", tags=["policies"])


@router.get("/routing", summary="The routing rules that are in force")
async def get_routing(principal: Viewer, work: Work) -> RoutingFile:
    """The ordered rules, the default route, and whom quarantine is told to: routing.yaml. Durations are of ISO 8601."""
    return RoutingFile(routing=(await in_force(principal, work)).routing)


@router.get("/ladders", summary="The ladders that are in force")
async def get_ladders(principal: Viewer, work: Work) -> LaddersFile:
    """Every ladder with its rungs: ladders.yaml. An incident keeps the ladder that it opened with. Durations are of ISO 8601."""
    return LaddersFile(ladders=(await in_force(principal, work)).ladders)


@router.get("/clocks", summary="The clocks that are in force")
async def get_clocks(principal: Viewer, work: Work) -> ClocksFile:
    """Every set of promises: clocks.yaml. An incident keeps the clocks that it opened with. Durations are of ISO 8601."""
    return ClocksFile(clocks=(await in_force(principal, work)).clocks)


async def in_force(principal: Principal, work: Work) -> Policies:
    """The policies, for whoever may see those of the house. Raises :class:`Forbidden`, :class:`Unavailable`."""
    refuse_bound(principal)
    async with work.read() as session:
        return await policies.current(session)


def refuse_bound(principal: Principal) -> None:
    """Raise :class:`Forbidden` for who is bound to tenants: rules name other tenants, and the house's people."""
    if principal.tenants is not None:
        raise Forbidden(
            f"{principal.name} is bound to the tenants {', '.join(principal.tenants)}; this concerns the house."
        )
