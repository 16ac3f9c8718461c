"""The page on which an operator sees who would hear what when, and which routing rule decides, before anything happens."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from services.statuspage import rehearsal
from services.statuspage.api.console import frame
from services.statuspage.api.context import Desk, html
from services.statuspage.api.session import SignedIn
from services.statuspage.domain import asked
from services.statuspage.domain.asked import Asked, NotAsked
from services.statuspage.domain.desk import SEVERITIES
from services.statuspage.domain.foresight import shown
from services.statuspage.domain.search import NoMoment
from services.statuspage.peers import PeerRefused
from services.statuspage.rehearsal import Foresight
from services.statuspage.store import reading

router = APIRouter(prefix="/console", include_in_schema=False)

UNSEEN: Final = "You may look, but not simulate: that shows the house's people."

Word = Annotated[str, Query(max_length=100)]
Line = Annotated[str, Query(max_length=300)]
Text = Annotated[str, Query(max_length=2000)]


def _form(
    kind: Word = "", service: Word = "", tool: Word = "", tenant: Word = "", severity: Word = "", title: Line = "",
    assigned_team: Word = "", at: Word = "", begins: Word = "", ends: Word = "", acknowledge_after: Word = "",
    resolve_after: Word = "", update_every: Word = "", lasting: Word = "", source: Word = "", integration: Word = "",
    provider: Word = "", category: Word = "", description: Text = "", labels: Text = "",
) -> Asked:  # fmt: skip
    """The fields in the address."""
    return Asked(
        kind=kind, service=service, tool=tool, tenant=tenant, severity=severity, title=title.strip(),
        assigned_team=assigned_team, at=at, begins=begins, ends=ends, acknowledge_after=acknowledge_after,
        resolve_after=resolve_after, update_every=update_every, lasting=lasting, source=source.strip(),
        integration=integration.strip(), provider=provider.strip(), category=category, description=description.strip(),
        labels=labels.strip(),
    )  # fmt: skip


@router.get("/simulate")
async def simulate_page(desk: Desk, who: SignedIn, wanted: Annotated[Asked, Depends(_form)]) -> Response:
    """The form, and beneath it what would happen; the address holds the question, so that it can be sent to somebody."""
    found: Foresight | None = None
    problem = "" if who.may_act_for_all else UNSEEN
    if wanted.complete and not problem:
        try:
            found = await rehearsal.foresee(desk.peers, who.key, wanted.body())
        except (NoMoment, NotAsked) as error:
            problem = str(error)
        except PeerRefused as error:
            problem = error.detail
    async with desk.uow.read() as session:
        nouns = {name: await reading.nouns(session, name) for name in ("service", "tool", "tenant", "team")}
        _, refs = await reading.names(session)
    values = {
        "wanted": wanted if wanted.complete else asked.usual(desk.clock.now()),
        "found": found,
        "steps": list(shown(found.steps)) if found else [],
        "problem": problem,
        "nouns": nouns,
        "refs": refs,
        "kinds": asked.KINDS,
        "lasting": asked.LASTING,
        "severities": SEVERITIES,
        "categories": asked.CATEGORIES,
    }
    return html(desk.render("console/simulate.html", **frame(who, "simulate"), **values))
