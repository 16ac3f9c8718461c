"""References resolved at many moments of one incident, for simulations."""

from typing import Any

import pytest

from tests.integration.oncall_support import Rig, rig
from tests.integration.test_oncall_api import key_of, problem

__all__ = ["rig"]


async def test_many_moments_are_answered_as_each_would_be_by_itself(rig: Rig) -> None:
    override = {
        "add": "noor",
        "remove": "stefania",
        "starts_at": "2026-03-03T04:00:00Z",
        "ends_at": "2026-03-03T06:00:00Z",
    }
    assert (await rig.http.post("/v1/schedules/default/overrides", json=override)).status_code == 201
    context = {"service": "invoicing", "first": ["on-shift"]}
    moments = [
        {"at": f"2026-03-03T{hour:02}:30:00Z", "refs": refs}
        for hour, refs in (
            (1, ["first"]),
            (5, ["first", "pm"]),
            (5, []),
            (9, ["on-shift", "rota:none"]),
            (10, ["first"]),
        )
    ]
    answers = (await rig.http.post("/v1/resolve/batch", json={"context": context, "moments": moments})).json()[
        "answers"
    ]
    for moment, answer in zip(moments, answers, strict=True):
        single = await rig.http.post("/v1/resolve", json={"context": context, **moment})
        assert answer == (single.json() if moment["refs"] else {**answer, "recipients": [], "skipped": []})
    names = [[one["name"] for one in answer["recipients"]] for answer in answers]
    assert names == [["Abdul"], ["Noor Haddad", "Katrin Vogel"], [], ["Stefania"], ["Rafael"]]
    assert [skip["reason"] for skip in answers[3]["skipped"]] == ["unknown_reference"]
    assert [contact["channel"] for contact in answers[0]["recipients"][0]["contacts"]] == ["sms", "email"]


@pytest.mark.parametrize(
    "questions",
    [
        {"moments": []},
        {"moments": [{"at": "2026-03-03T01:30:00", "refs": ["first"]}]},
        {"moments": [{"at": "2026-03-03T01:30:00Z", "refs": []}, {"at": "2026-05-03T01:30:00Z", "refs": []}]},
    ],
)
async def test_moments_that_make_no_sense_are_refused(rig: Rig, questions: Any) -> None:
    problem(await rig.http.post("/v1/resolve/batch", json=questions), 422)


async def test_moments_are_resolved_for_operators_and_their_own_tenants_alone(rig: Rig) -> None:
    bound = await key_of(rig, "agent", "operator", tenants=["lumen"])
    viewer = await key_of(rig, "looker", "viewer")
    moments = [{"at": "2026-03-03T01:30:00Z", "refs": ["client-contacts", "on-shift"]}]
    path = "/v1/resolve/batch"
    problem(await rig.http.post(path, json={"moments": moments}, headers=viewer), 403)
    found = (await rig.http.post(path, json={"moments": moments}, headers=bound)).json()["answers"][0]["recipients"]
    assert [(one["ref"], bool(one["contacts"])) for one in found] == [
        ("contact:lumen/anneke", True),
        ("person:abdul", False),
    ]
    foreign = {"context": {"tenants": ["harbour"]}, "moments": moments}
    problem(await rig.http.post(path, json=foreign, headers=bound), 403)
    moments = [{"at": "2026-03-03T01:30:00Z", "refs": ["contact:harbour/joel"]}]
    problem(await rig.http.post(path, json={"moments": moments}, headers=bound), 403)


async def test_what_a_moment_is_for_decides_how_somebody_is_reached(rig: Rig) -> None:
    rig.rewrite(
        "people.yaml",
        "name: Abdul, title: Operations, zone: Asia/Karachi,",
        "name: Abdul, title: Operations, zone: Asia/Karachi, chain: {low: [email]}, quiet_hours: [{hours: 23:00-07:00}],",
    )
    await rig.watcher.take()
    moments = [
        {"at": "2026-03-02T20:00:00Z", "refs": ["on-shift"], "purpose": purpose} for purpose in ("page", "reminder")
    ]
    page, reminder = (await rig.http.post("/v1/resolve/batch", json={"moments": moments})).json()["answers"]
    (told,), (later,) = page["recipients"], reminder["recipients"]
    assert (told["name"], told["contacts"][0]["channel"], told["quiet_until"]) == ("Abdul", "sms", None)
    assert ([one["channel"] for one in later["contacts"]], later["quiet_until"]) == (["email"], "2026-03-03T02:00:00Z")
