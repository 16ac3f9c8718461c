"""The console over HTTP: signing in, acting, and what comes back where something is refused."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from libs.common.db.migrate import check_models
from libs.common.db.tables import COMMON
from libs.common.events.directory import PrincipalChanged
from services.statuspage.store.tables import Base, SessionRow
from tests.support.status_stage import Stage, statuspage
from tests.support.statuspage import ACME_KEY, NOW, OPERATOR_KEY, SIGN_IN_TOKEN, VIEWER_KEY, story, uid

HTMX = {"HX-Request": "true"}
HTML = {"Accept": "text/html"}


async def post(
    stage: Stage, path: str, csrf: str, headers: dict[str, str] | None = None, **form: Any
) -> httpx.Response:
    return await stage.client.post(path, data={"csrf": csrf, **form}, headers={**HTML, **(headers or {})})


async def test_a_key_signs_in_and_the_session_ends_by_itself(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        assert (await stage.client.get("/console")).headers["Location"] == "/console/sign-in?next=/console"
        await stage.sign_in()
        assert (await stage.client.get("/console")).status_code == 200
        stage.clock.advance(timedelta(hours=12, seconds=1))
        assert (await stage.client.get("/console")).status_code == 303


async def test_a_wrong_key_is_refused_in_place(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        answer = await stage.client.post("/console/sign-in", data={"key": "tocsin_" + "x" * 32})
        assert answer.status_code == 401
        assert "This is no key that Tocsin knows." in answer.text
        assert "set-cookie" not in answer.headers


async def test_signing_in_leads_back_to_where_one_was_but_never_to_another_site(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        asked = await stage.client.get("/console/incidents/17")
        assert asked.headers["Location"] == "/console/sign-in?next=/console/incidents/17"
        for given, expected in (
            ("/console/incidents/17", "/console/incidents/17"),
            ("https://evil.example/console", "/console"),
            ("//evil.example", "/console"),
            ("/console/..//evil.example\\", "/console"),
            ("/console/sign-in", "/console"),
        ):
            stage.client.cookies.clear()
            answer = await stage.client.post("/console/sign-in", data={"key": OPERATOR_KEY, "next": given})
            assert answer.headers["Location"] == expected


async def test_the_link_signs_in_exactly_once(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        first = await stage.client.get(f"/console/sign-in?token={SIGN_IN_TOKEN}")
        assert (first.status_code, first.headers["Location"]) == (303, "/console")
        assert (await stage.client.get("/console")).status_code == 200
        stage.client.cookies.clear()
        second = await stage.client.get(f"/console/sign-in?token={SIGN_IN_TOKEN}")
        assert second.status_code == 403
        assert "used already" in second.text
        wrong = await stage.client.get("/console/sign-in?token=another-token-entirely")
        assert (wrong.status_code, "not valid" in wrong.text) == (403, True)


async def test_a_link_whose_operator_is_not_known_yet_is_not_used_up(database_url: str) -> None:
    async with statuspage(database_url) as stage:
        early = await stage.client.get(f"/console/sign-in?token={SIGN_IN_TOKEN}")
        assert early.status_code == 503
        await stage.fold(*story())
        assert (await stage.client.get(f"/console/sign-in?token={SIGN_IN_TOKEN}")).status_code == 303


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(database_url: str) -> None:
    async with statuspage(database_url, story(), public_url="https://status.example") as stage:
        answer = await stage.client.post("/console/sign-in", data={"key": OPERATOR_KEY})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-tocsin=")
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


async def test_the_database_alone_opens_no_session_and_tells_no_key(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        await stage.sign_in()
        cookie = next(iter(stage.client.cookies.values()))
        async with stage.service.platform.uow.read() as session:
            row = await session.scalar(select(SessionRow))
        assert row
        everything = repr([getattr(row, column.name) for column in SessionRow.__table__.columns])
        assert cookie not in everything
        assert OPERATOR_KEY not in everything
        assert OPERATOR_KEY[-24:] not in everything


async def test_signing_out_ends_the_session_on_the_server_too(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        csrf = await stage.sign_in()
        cookies = dict(stage.client.cookies)
        assert (await post(stage, "/console/sign-out", csrf)).status_code == 303
        again = await stage.client.get(
            "/console", headers={"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
        )
        assert again.status_code == 303


async def test_a_page_whose_session_has_ended_follows_nothing_and_is_told_where_to_sign_in(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        refused = await stage.client.get("/console/live", headers=HTMX)
        assert (refused.status_code, refused.headers["HX-Redirect"]) == (401, "/console/sign-in")
        part = await stage.client.get("/console/parts/now", headers=HTMX)
        assert (part.status_code, part.headers["HX-Redirect"]) == (200, "/console/sign-in")


async def test_a_key_that_is_taken_away_ends_its_sessions_at_once(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        await stage.sign_in()
        await stage.fold(PrincipalChanged(id="operator", name="Operator", roles=("admin",), keys=(), at=NOW))
        assert (await stage.client.get("/console")).status_code == 303


@pytest.mark.parametrize(
    "path", ["/console/incidents/17/acknowledge", "/console/sign-out", f"/console/outbox/{uid(1701)}/reply"]
)
async def test_a_post_without_the_sessions_token_or_from_another_site_does_nothing(
    database_url: str, path: str
) -> None:
    async with statuspage(database_url, story()) as stage:
        csrf = await stage.sign_in()
        assert (await post(stage, path, "")).status_code == 403
        assert (await post(stage, path, "0" * 64)).status_code == 403
        foreign = await post(stage, path, csrf, {"Origin": "https://evil.example"})
        assert foreign.status_code == 403
        assert (await post(stage, path, csrf, {"Sec-Fetch-Site": "cross-site"})).status_code == 403
        assert not [call for call in stage.peers.calls if call[0] == "POST"]


async def test_acknowledging_asks_the_escalator_with_the_operators_own_key_and_shows_it_at_once(
    database_url: str,
) -> None:
    async with statuspage(database_url, story()) as stage:
        csrf = await stage.sign_in()
        answer = await post(stage, "/console/incidents/17/acknowledge", csrf, {"Origin": "http://status.test"})
        assert answer.headers["Location"] == "/console/incidents/17"
        assert stage.peers.calls == [
            ("POST", f"/v1/incidents/{uid(17)}/acknowledge", {}, f"Bearer {OPERATOR_KEY}"),
        ]  # fmt: skip
        page = (await stage.client.get("/console/incidents/17")).text
        assert "Taken by Rafael" in page
        assert "/17/acknowledge" not in page


@pytest.mark.parametrize(
    ("sheet", "form", "action", "body"),
    [
        ("verdict", {"verdict": "confirmed", "note": " seen "}, "verdict", {"verdict": "confirmed", "note": "seen"}),
        ("update", {"text": "Half works.", "audiences": ["client"]}, "updates", {"text": "Half works.", "audiences": ["team", "client"]}),
        ("escalate", {"rung": "5"}, "escalate", {"rung": 5}),
        ("resolve", {"note": "Failed over"}, "resolve", {"note": "Failed over"}),
    ],
)  # fmt: skip
async def test_each_action_reaches_the_escalator_as_it_was_filled_in(
    database_url: str, sheet: str, form: dict[str, Any], action: str, body: dict[str, Any]
) -> None:
    async with statuspage(database_url, story()) as stage:
        csrf = await stage.sign_in()
        shown = await stage.client.get(f"/console/incidents/17/{sheet}", headers={**HTML, **HTMX})
        assert shown.text.lstrip().startswith("<form")
        answer = await post(stage, f"/console/incidents/17/{sheet}", csrf, HTMX, **form)
        assert answer.headers["HX-Retarget"] == "#incident"
        assert '"said"' in answer.headers["HX-Trigger"]
        assert stage.peers.calls[-1][1:3] == (f"/v1/incidents/{uid(17)}/{action}", body)


async def test_the_loud_action_says_first_whom_it_pages(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        await stage.sign_in()
        page = (await stage.client.get("/console/incidents/17/escalate", headers=HTML)).text
        assert "Pages Marguerite (the CAO) and Henrik (the Head of Engineering) now." in page


async def test_what_the_escalator_refuses_comes_back_in_place_with_what_was_written(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        csrf = await stage.sign_in()
        stage.peers.refusal = (409, "The incident is resolved already.")
        answer = await post(stage, "/console/incidents/17/update", csrf, HTMX, text="My long text")
        assert answer.status_code == 409
        assert "The incident is resolved already." in answer.text
        assert "My long text" in answer.text
        again = await post(stage, "/console/incidents/17/acknowledge", csrf)
        assert (again.status_code, "resolved already" in again.text) == (409, True)


async def test_an_update_without_words_and_a_verdict_without_choice_are_not_sent(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        csrf = await stage.sign_in()
        assert (await post(stage, "/console/incidents/17/update", csrf, text="  ")).status_code == 422
        assert (await post(stage, "/console/incidents/17/verdict", csrf)).status_code == 422
        assert not stage.peers.calls


async def test_an_escalator_that_is_away_is_told_and_nothing_is_lost(database_url: str) -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with statuspage(database_url, story()) as stage:
        csrf = await stage.sign_in()
        context = stage.service.app.state.context
        async with httpx.AsyncClient(transport=httpx.MockTransport(away)) as outward:
            context.peers._client = outward  # noqa: SLF001 - the network goes away under the service
            answer = await post(stage, "/console/incidents/17/acknowledge", csrf)
            assert answer.status_code == 503
            assert "The escalator cannot be reached at the moment; nothing was done." in answer.text
            part = await stage.client.get("/console/parts/on-call")
            assert (part.status_code, "cannot be reached" in part.text) == (200, True)
            assert (await stage.client.get("/console")).status_code == 200


async def test_a_viewer_may_look_but_not_act(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        csrf = await stage.sign_in(VIEWER_KEY)
        page = (await stage.client.get("/console/incidents/17")).text
        assert "You may look, but not act." in page
        answer = await post(stage, "/console/incidents/17/acknowledge", csrf)
        assert answer.status_code == 403
        assert not stage.peers.calls


async def test_a_principal_of_one_tenant_sees_nothing_of_the_others(database_url: str) -> None:
    events = story()
    async with statuspage(database_url, events) as stage:
        await stage.sign_in(ACME_KEY)
        assert (await stage.client.get("/console/incidents/17")).status_code == 200
        only_globex = stage.peers.known[uid(17)].model_copy(update={"tenants": ("globex",), "version": 99})
        opened = events[-1].model_copy(update={"incident": only_globex})
        await stage.fold(opened)
        assert (await stage.client.get("/console/incidents/17")).status_code == 404
        assert "Globex" not in (await stage.client.get("/console")).text
        assert "P1 #17" not in (await stage.client.get("/console/outbox")).text


async def test_now_tells_what_burns_who_is_paged_and_what_is_due(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        await stage.sign_in()
        page = (await stage.client.get("/console")).text
        assert "Two incidents are open; nobody has taken one of them" in page
        assert "Rung 4 of 6, DevOps and Helpdesk" in page
        assert "Paged: Luciane, Paula, Helena and 1 more" in page
        assert 'data-countdown="2025-05-28T10:00:00Z"' in page
        shift = (await stage.client.get("/console/parts/on-call")).text
        assert "Stefania" in shift
        assert "Helena and Luciane" in shift
        assert "Rafael, from" in shift


async def test_one_incident_shows_reasons_clocks_ladder_and_who_was_left_out(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        await stage.sign_in()
        page = (await stage.client.get("/console/incidents/17")).text
        assert "<b>Helena</b> for Abdul: SMS, kept in the local outbox" in page
        assert "Abdul: no contact of theirs is known" in page
        assert "Would page Marguerite and Henrik" in page
        assert "The CAO and the Head of Engineering" in page
        assert "every 30 min · owed by the team" in page
        assert 'href="https://grafana.example/d/invoicing"' in page


async def test_a_reply_from_the_outbox_goes_to_the_notifier(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        csrf = await stage.sign_in()
        assert "Reply as Stefania" in (await stage.client.get("/console/outbox")).text
        answer = await post(stage, f"/console/outbox/{uid(1701)}/reply", csrf, HTMX, command="ACK")
        assert answer.status_code == 200
        assert stage.peers.calls == [
            ("POST", f"/v1/outbox/{uid(1701)}/reply", {"text": "ACK"}, f"Bearer {OPERATOR_KEY}"),
        ]  # fmt: skip
        assert "Stefania answered ACK" in answer.headers["HX-Trigger"]
        assert (await post(stage, "/console/outbox/nothing/reply", csrf, command="ACK")).status_code == 404


async def test_the_list_holds_its_filter_in_the_address(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        await stage.sign_in()
        page = (await stage.client.get("/console/incidents?q=invoicing+acme&state=resolved")).text
        assert re.findall(r'found-number">#(\d+)', page) == ["4"]
        nothing = (await stage.client.get("/console/incidents?q=zebra")).text
        assert "No incident matches." in nothing


async def test_links_that_are_no_web_addresses_lead_nowhere(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        await stage.sign_in()
        bad = stage.peers.known[uid(17)].model_copy(update={"version": 50, "rca_url": "javascript:alert(1)"})
        await stage.fold(story()[-1].model_copy(update={"incident": bad}))
        assert "javascript:" not in (await stage.client.get("/console/incidents/17")).text


async def test_expired_sessions_are_forgotten_by_their_timer(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        await stage.sign_in()
        stage.clock.advance(timedelta(hours=13))
        async with asyncio.timeout(60):
            while True:
                async with stage.service.platform.uow.read() as session:
                    if await session.scalar(select(SessionRow)) is None:
                        return
                await asyncio.sleep(0.05)


async def test_models_agree_with_migrations(database_url: str) -> None:
    async with statuspage(database_url):
        assert await check_models(database_url, "statuspage", [COMMON, Base.metadata]) == []
