"""The other services' administration through the status page: what is passed on, with whose key, and how to end it."""

import httpx

from tests.support.status_stage import Stage, statuspage
from tests.support.statuspage import OPERATOR_KEY, story

SCHEDULES = "/v1/services/oncall/schedules/default/on-call"


async def ask(stage: Stage, path: str, key: str = OPERATOR_KEY) -> httpx.Response:
    return await stage.client.get(path, headers={"Authorization": f"Bearer {key}"})


async def test_a_question_reaches_the_other_service_with_the_callers_own_key(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        answer = await ask(stage, f"{SCHEDULES}?at=2026-03-02T09:15:00Z")
        assert answer.status_code == 200
        assert answer.json()["primary"]["person"]["name"] == "Stefania"
        assert stage.peers.calls[-1] == ("GET", "/v1/schedules/default/on-call", None, f"Bearer {OPERATOR_KEY}")


async def test_what_is_not_listed_is_not_passed_on(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        before = len(stage.peers.calls)
        for path in ("oncall/people", "oncall/config/../people", "oncall/schedules/a%2fb/on-call", "nosuch/config"):
            answer = await ask(stage, f"/v1/services/{path}")
            assert answer.status_code == 404, path
        assert (await ask(stage, SCHEDULES, "tocsin_" + "z" * 32)).status_code == 401
        assert len(stage.peers.calls) == before


async def test_it_can_be_switched_off(database_url: str) -> None:
    async with statuspage(database_url, story(), administration=False) as stage:
        for path in ("/v1/services", SCHEDULES):
            answer = await ask(stage, path)
            assert answer.status_code == 404
            assert "TOCSIN_STATUSPAGE_ADMINISTRATION is off" in answer.json()["detail"]


async def test_a_service_that_is_away_is_told_as_unavailable(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage, httpx.AsyncClient(trust_env=False) as nobody:
        stage.service.app.state.context.peers._client = nobody  # noqa: SLF001 - a network with nobody at these names
        answer = await ask(stage, "/v1/services/intake/config")
        assert answer.status_code == 503
        assert answer.json()["detail"] == "The intake cannot be reached at the moment."
