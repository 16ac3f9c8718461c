"""Who is on call *now* goes the short way: it answers as the declared route does, and sees every change at once."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from libs.common.auth import ID_LENGTH, SECRET_LENGTH
from libs.common.shortcut import Shortcuts
from tests.integration.oncall_support import KEY, Rig, rig
from tests.integration.test_oncall_api import key_of
from tests.integration.test_oncall_changes import hours, made, person_key

__all__ = ["rig"]

ON_CALL = "/v1/schedules/default/on-call"
WRONG_SECRET = f"Bearer tocsin_operator{'t' * SECRET_LENGTH}"
UNKNOWN = f"Bearer tocsin_{'u' * ID_LENGTH}{'s' * SECRET_LENGTH}"


async def name(rig: Rig) -> str | None:
    """Whom the short way names."""
    answer = await rig.http.get(ON_CALL)
    assert answer.status_code == 200, answer.text
    person = answer.json()["primary"]["person"]
    return person["id"] if person else None


def leave_out(rig: Rig) -> None:
    """From now on the declared route answers everything."""
    app = rig.service.app
    layers: list[Any] = app.user_middleware
    layers[:] = [layer for layer in layers if layer.cls is not Shortcuts]
    app.middleware_stack = None


# As the declared route ---------------------------------------------------------------------------------------------


QUESTIONS: Final = (
    ("GET", ON_CALL, f"Bearer {KEY}", 200, '"id":"stefania"'),
    ("GET", ON_CALL, f"bearer {KEY}", 200, '"id":"stefania"'),
    ("GET", ON_CALL, "", 401, "Send your key as"),
    ("GET", ON_CALL, "Bearer", 401, "Send your key as"),
    ("GET", ON_CALL, f"Basic {KEY}", 401, "Send your key as"),
    ("GET", ON_CALL, WRONG_SECRET, 401, "no key that Tocsin knows"),
    ("GET", ON_CALL, UNKNOWN, 401, "no key that Tocsin knows"),
    ("GET", ON_CALL, "Bearer nonsense", 401, "no key that Tocsin knows"),
    ("GET", "/v1/schedules/night/on-call", f"Bearer {KEY}", 404, "there is default"),
    ("GET", "/v1/schedules/night/on-call", WRONG_SECRET, 401, "no key that Tocsin knows"),
    ("GET", f"/v1/schedules/{'n' * 64}/on-call", f"Bearer {KEY}", 422, "#path/schedule_id"),
    ("GET", "/v1/schedules/The%20Night/on-call", f"Bearer {KEY}", 404, "there is default"),
    ("GET", f"{ON_CALL}?at=2026-03-02T10:00:00Z", f"Bearer {KEY}", 200, '"id":"rafael"'),
    ("GET", f"{ON_CALL}?at=yesterday", f"Bearer {KEY}", 422, "#query/at"),
    ("GET", f"{ON_CALL}?at=", f"Bearer {KEY}", 422, "#query/at"),
    ("GET", f"{ON_CALL}?at={'2' * 41}", f"Bearer {KEY}", 422, "#query/at"),
    ("POST", ON_CALL, f"Bearer {KEY}", 405, "GET is"),
    ("HEAD", ON_CALL, f"Bearer {KEY}", 405, ""),
)
"""Method, path, authorisation; the status, and words of the answer."""


async def test_the_short_way_answers_as_the_declared_route(rig: Rig) -> None:
    async def answers() -> list[httpx.Response]:
        return [
            await rig.http.request(method, path, headers={"Authorization": key, "X-Request-ID": "r-1"})
            for method, path, key, _, _ in QUESTIONS
        ]

    short = await answers()
    leave_out(rig)
    for question, one, other in zip(QUESTIONS, short, await answers(), strict=True):
        assert (one.status_code, one.headers, one.content) == (other.status_code, other.headers, other.content), (
            question
        )
        assert one.status_code == question[3], question
        assert question[4] in one.text, question


async def test_the_plain_question_is_what_goes_the_short_way(rig: Rig) -> None:
    rig.service.app.router.routes.clear()
    assert await name(rig) == "stefania"


async def test_whoever_may_not_read_is_refused_the_short_way_too(rig: Rig) -> None:
    headers = await key_of(rig, "nobody-much")
    answer = await rig.http.get(ON_CALL, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["detail"] == "This needs the role viewer; Nobody-Much has none."


async def test_the_description_of_the_api_names_the_route_once(rig: Rig) -> None:
    described = rig.service.app.openapi()
    rig.service.app.openapi_schema = None
    leave_out(rig)
    assert rig.service.app.openapi() == described
    operation = described["paths"]["/v1/schedules/{schedule_id}/on-call"]["get"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["schedule_id", "at"]
    assert operation["security"]


# Never stale -------------------------------------------------------------------------------------------------------


async def override(rig: Rig) -> None:
    await made(rig, "schedules/default/overrides", {"remove": "stefania", "add": "helena", **hours(0, 1)})


async def absence(rig: Rig) -> None:
    await made(rig, "absences", {"person": "stefania", "reason": "ill", **hours(0, 48)})


async def span(rig: Rig) -> None:
    shifts = [{"person": "luciane", **hours(0, 1)}]
    await made(rig, "schedules/default/spans", {**hours(0, 1), "shifts": shifts})


async def swap(rig: Rig) -> None:
    stefania, rafael = await person_key(rig, "stefania"), await person_key(rig, "rafael")
    offered = await rig.http.post("/v1/schedules/default/swaps", json=hours(0, 0.5), headers=stefania)
    assert await name(rig) == "stefania"
    taken = await rig.http.post(f"/v1/schedules/default/swaps/{offered.json()['id']}/take", headers=rafael)
    assert taken.status_code == 200, taken.text


async def new_version(rig: Rig) -> None:
    rig.rewrite("rotas.yaml", "02:00-10:00, person: stefania", "02:00-10:00, person: abdul")
    await rig.watcher.take()


CHANGES = [(override, "helena"), (absence, None), (span, "luciane"), (swap, "rafael"), (new_version, "abdul")]


@pytest.mark.parametrize(("change", "person"), CHANGES, ids=[change.__name__ for change, _ in CHANGES])
async def test_a_change_is_seen_by_the_very_next_answer(
    rig: Rig, change: Callable[[Rig], Awaitable[None]], person: str | None
) -> None:
    assert [await name(rig) for _ in range(3)] == ["stefania"] * 3
    await change(rig)
    assert await name(rig) == person


async def test_a_change_that_is_taken_back_is_seen_by_the_very_next_answer(rig: Rig) -> None:
    await override(rig)
    assert await name(rig) == "helena"
    (listed,) = (await rig.http.get("/v1/schedules/default/overrides")).json()["changes"]
    await rig.http.delete(f"/v1/schedules/default/overrides/{listed['id']}")
    assert await name(rig) == "stefania"


async def test_a_schedule_that_is_new_or_gone_is_so_at_once(rig: Rig) -> None:
    path = "/v1/schedules/night/on-call"
    assert (await rig.http.get(path)).status_code == 404
    before = (rig.tree / "rotas.yaml").read_text()
    night = "  - id: night\n    name: Night\n    turns: [{hours: 00:00-24:00, person: abdul}]\n"
    (rig.tree / "rotas.yaml").write_text(before + night)
    await rig.watcher.take()
    assert (await rig.http.get(path)).json()["primary"]["person"]["id"] == "abdul"
    (rig.tree / "rotas.yaml").write_text(before)
    await rig.watcher.take()
    assert (await rig.http.get(path)).status_code == 404


async def revoked(rig: Rig) -> None:
    (key,) = (await rig.http.get("/v1/principals/ci")).json()["keys"]
    assert (await rig.http.delete(f"/v1/principals/ci/keys/{key['id']}")).status_code == 204


async def removed(rig: Rig) -> None:
    assert (await rig.http.delete("/v1/principals/ci")).status_code == 204


@pytest.mark.parametrize("change", [revoked, removed])
async def test_a_key_that_ends_opens_not_even_the_next_answer(
    rig: Rig, change: Callable[[Rig], Awaitable[None]]
) -> None:
    headers = await key_of(rig, "ci", "viewer")
    assert (await rig.http.get(ON_CALL, headers=headers)).status_code == 200
    await change(rig)
    assert (await rig.http.get(ON_CALL, headers=headers)).status_code == 401


async def test_a_key_that_expires_opens_nothing_from_that_moment_on(rig: Rig) -> None:
    await key_of(rig, "ci", "viewer")
    expires_at = hours(0, 0.25)["ends_at"]
    key = (await rig.http.post("/v1/principals/ci/keys", json={"expires_at": expires_at})).json()["key"]
    headers = {"Authorization": f"Bearer {key}"}
    assert (await rig.http.get(ON_CALL, headers=headers)).status_code == 200
    rig.clock.advance(timedelta(minutes=15))
    assert (await rig.http.get(ON_CALL, headers=headers)).status_code == 401


async def test_roles_that_change_count_at_the_very_next_answer(rig: Rig) -> None:
    before = (rig.tree / "principals.yaml").read_text()

    async def with_roles(roles: str) -> httpx.Response:
        (rig.tree / "principals.yaml").write_text(before.replace("[admin]", roles))
        await rig.watcher.take()
        return await rig.http.get(ON_CALL)

    assert [(await with_roles(roles)).status_code for roles in ("[viewer]", "[]", "[operator]")] == [200, 403, 200]
