"""The configuration over HTTP: read in one form, tried without a trace, put in force as the folder would, and kept."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from libs.common.config import ConfigWatcher
from libs.common.documents import parse
from libs.common.errors import Misconfigured
from services.oncall.handlers.configuration import FILES, FORM
from tests.integration.oncall_support import SHIPPED, Rig, rig

__all__ = ["rig"]

PEOPLE = (SHIPPED / "people.yaml").read_text()


def shipped() -> dict[str, str]:
    return {name: (SHIPPED / name).read_text() for name in FILES.values()}


async def in_force(rig: Rig) -> dict[str, Any]:
    answer = await rig.http.get("/v1/config")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def put(rig: Rig, files: dict[str, Any], status: int = 200, **more: Any) -> dict[str, Any]:
    answer = await rig.http.put("/v1/config", json={"files": files, **more})
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_what_is_in_force_is_shown_short_with_secrets_as_references(rig: Rig) -> None:
    found = await in_force(rig)
    assert set(found["names"]) == set(FILES.values())
    principals = found["files"]["principals.yaml"]
    assert principals["document"]["principals"] == [
        {"id": "operator", "name": "Operator", "roles": ["admin"], "key": {"env": "TOCSIN_KEY_OPERATOR"}}
    ]
    assert (principals["origin"], principals["actor"]) == ("folder", "configuration")
    stefania = found["files"]["people.yaml"]["document"]["people"][0]
    assert stefania["contacts"] == [{"sms": "+15550100"}, {"email": "stefania@example.com"}]
    assert found["files"]["teams.yaml"]["document"]["teams"][2]["members"] == ["mateusz"]


async def test_chains_and_quiet_hours_are_exported_as_people_write_them(rig: Rig) -> None:
    written = (
        "contacts: [{sms: +15550100, verified: true}, {email: stefania@example.com}], "
        "chain: {high: [sms, {email: 5m}], low: [email]}, quiet_hours: [{hours: 22:00-07:00}, {days: [sa, su], hours: 00:00-00:00}]}"
    )
    rig.rewrite("people.yaml", "contacts: [{sms: +15550100}, {email: stefania@example.com}]}", written)
    await rig.watcher.take()
    stefania = (await in_force(rig))["files"]["people.yaml"]["document"]["people"][0]
    assert stefania["contacts"] == [{"sms": "+15550100", "verified": True}, {"email": "stefania@example.com"}]
    assert stefania["chain"] == {"high": ["sms", {"email": "5m"}], "low": ["email"]}
    assert stefania["quiet_hours"] == [{"hours": "22:00-07:00"}, {"days": ["sa", "su"], "hours": "00:00-00:00"}]
    shown = (await rig.http.get("/v1/people/stefania")).json()
    assert (await rig.http.put("/v1/people/stef2", json={**shown, "id": "stef2"})).status_code == 201, (
        "the API reads what it shows"
    )
    again = (await rig.http.get("/v1/people/stef2")).json()
    assert again == {**shown, "id": "stef2"}


async def test_a_chain_that_names_no_contact_is_told_with_file_and_line(rig: Rig) -> None:
    rig.rewrite("people.yaml", "{id: stefania, ", "{id: stefania, chain: {high: [voice]}, ")
    with pytest.raises(Misconfigured, match=r"people\.yaml:\d+: .*chain.high\[0\] names 'voice'"):
        await rig.watcher.take()


async def test_what_is_exported_and_applied_again_changes_and_writes_nothing(rig: Rig) -> None:
    found = await in_force(rig)
    exported = {name: yaml.safe_dump(one["document"]) for name, one in found["files"].items()}
    await rig.emitted()
    answer = await put(rig, exported)
    assert answer["changed"] == []
    assert await in_force(rig) == found
    assert await rig.emitted() == []
    assert (await rig.http.get("/v1/config/changes")).json()["changes"][0]["origin"] == "folder"


async def test_a_change_is_in_force_at_once_and_says_who_made_it(rig: Rig) -> None:
    answer = await put(rig, {"people.yaml": PEOPLE.replace("name: Stefania,", "name: Stefania Conti,")})
    assert answer["changed"] == ["people.yaml"]
    assert (await rig.http.get("/v1/people/stefania")).json()["name"] == "Stefania Conti"
    shown = (await in_force(rig))["files"]["people.yaml"]
    assert (shown["origin"], shown["actor"]) == ("applied", "operator")
    newest = (await rig.http.get("/v1/config/changes")).json()["changes"][0]
    assert (newest["name"], newest["actor"]) == ("people.yaml", "operator")
    audit = (await rig.http.get("/v1/audit?noun=person&entity=stefania")).json()["audit"][0]
    assert audit["actor"] == "operator"


async def test_a_check_tells_who_is_on_call_differently_and_leaves_no_trace(rig: Rig) -> None:
    before = await in_force(rig)
    await rig.emitted()
    rotas = (SHIPPED / "rotas.yaml").read_text().replace("02:00-10:00, person: stefania", "02:00-10:00, person: helena")
    answer = await rig.http.post("/v1/config/check", json={"files": {"rotas.yaml": rotas}})
    body = answer.json()
    assert body["changed"] == ["rotas.yaml"]
    assert body["effects"][0] == ("The team on shift: Mon 2026-03-02 09:15 to 10:00 (UTC) Helena instead of Stefania.")
    assert body["effects"][-1] == "The team on shift: and 21 more such stretches."
    assert await in_force(rig) == before
    assert await rig.emitted() == []


async def test_a_check_tells_what_becomes_doubtful(rig: Rig) -> None:
    people = PEOPLE.replace("contacts: [{sms: +15550100}, {email: stefania@example.com}]", "contacts: []")
    rotas = (SHIPPED / "rotas.yaml").read_text().replace("02:00-10:00", "04:00-10:00")
    answer = await rig.http.post("/v1/config/check", json={"files": {"people.yaml": people, "rotas.yaml": rotas}})
    effects = answer.json()["effects"]
    assert effects[0] == "The team on shift: Tue 2026-03-03 02:00 to 04:00 (UTC) nobody instead of Stefania."
    assert "Doubtful since: Stefania has no contact and cannot be told of anything." in effects
    assert any(one.startswith("Doubtful since: nobody is on shift from 2026-03-03 02:00 UTC") for one in effects)


async def test_a_broken_file_changes_nothing_and_names_the_senders_own_line(rig: Rig) -> None:
    before = await in_force(rig)
    files = {
        "people.yaml": PEOPLE.replace("name: Stefania,", "name: Stefania Conti,"),
        "teams.yaml": "# a comment\nteams:\n  - id: operations\n    name: Operations\n    members: [nobody]\n",
    }
    answer = await put(rig, files, 422)
    (error, *_) = [one for one in answer["errors"] if "teams.yaml" in one["detail"]]
    assert error["detail"].startswith("teams.yaml:5: teams[0].members[0]: there is no person 'nobody'")
    assert error["pointer"] == "#/files/teams.yaml/teams/0/members/0"
    assert await in_force(rig) == before


async def test_every_file_that_is_wrong_by_itself_is_told_of(rig: Rig) -> None:
    files = {"people.yaml": "people:\n  - {id: a, nme: A}\n", "roles.yaml": "roles:\n  - {id: b}\n"}
    answer = await put(rig, files, 422)
    assert "people.yaml:2" in answer["detail"]
    assert "did you mean name?" in answer["detail"]
    assert "roles.yaml:2: roles[0].name: is missing" in answer["detail"]


async def test_a_change_on_an_outdated_plan_is_refused(rig: Rig) -> None:
    version = (await in_force(rig))["version"]
    changed = {"people.yaml": PEOPLE.replace("name: Stefania,", "name: Stefania Conti,")}
    await put(rig, changed, version=version)
    answer = await put(rig, {"people.yaml": PEOPLE}, 409, version=version)
    assert "look at the plan again" in answer["detail"]


async def test_of_two_who_apply_on_the_same_plan_one_wins_whole(rig: Rig) -> None:
    version = (await in_force(rig))["version"]
    wanted = [{"people.yaml": PEOPLE.replace("name: Stefania,", f"name: {name},")} for name in ("Ann", "Bob")]
    bodies = [{"files": files, "version": version} for files in wanted]
    answers = await asyncio.gather(*(rig.http.put("/v1/config", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    winner = "Ann" if answers[0].status_code == 200 else "Bob"
    assert await name_of_stefania(rig) == winner


@pytest.mark.parametrize("name", ["channels.yaml", "../people.yaml"])
async def test_a_file_of_another_service_is_refused(rig: Rig, name: str) -> None:
    answer = await put(rig, {name: "channels: []"}, 422)
    assert "this service reads people.yaml" in answer["detail"]


async def test_only_an_administrator_reads_and_changes_it(rig: Rig) -> None:
    answer = await put(rig, {"principals.yaml": _principals()})
    assert answer["changed"] == ["principals.yaml"]
    for principal, reason in (("reader", "role admin"), ("bound", "bound to some")):
        key = (await rig.http.post(f"/v1/principals/{principal}/keys", json={})).json()["key"]
        headers = {"Authorization": f"Bearer {key}"}
        for method, path in (("GET", ""), ("GET", "/changes"), ("POST", "/check"), ("PUT", "")):
            body = {"files": {"people.yaml": PEOPLE}} if method != "GET" else None
            refused = await rig.http.request(method, f"/v1/config{path}", json=body, headers=headers)
            assert refused.status_code == 403
            assert reason in refused.json()["detail"]


def _principals() -> str:
    return (SHIPPED / "principals.yaml").read_text() + (
        "  - {id: reader, name: Reader, roles: [operator]}\n"
        "  - {id: bound, name: Bound, roles: [admin], tenants: [lumen]}\n"
    )


# The watched folder beside it ---------------------------------------------------------------------------------------


async def name_of_stefania(rig: Rig) -> str:
    return str((await rig.http.get("/v1/people/stefania")).json()["name"])


def again(rig: Rig) -> ConfigWatcher:
    """The watcher of a process that starts anew on the same folder."""
    own = rig.watcher
    return ConfigWatcher(rig.tree, own.files, own._apply, rig.uow, rig.clock, environ=own._environ)  # noqa: SLF001


async def test_what_was_applied_outlives_a_restart_over_the_same_folder(rig: Rig) -> None:
    await put(rig, {"people.yaml": PEOPLE.replace("name: Stefania,", "name: Stefania Conti,")})
    assert await again(rig).take() == frozenset()
    assert await name_of_stefania(rig) == "Stefania Conti"


async def test_a_comment_in_the_folder_takes_nothing_back(rig: Rig) -> None:
    await put(rig, {"people.yaml": PEOPLE.replace("name: Stefania,", "name: Stefania Conti,")})
    rig.rewrite("people.yaml", "people:\n", "# more words\npeople:\n")
    await rig.watcher.take()
    assert await name_of_stefania(rig) == "Stefania Conti"


async def test_a_later_change_of_the_folder_wins_for_its_file_alone_and_is_recorded(rig: Rig) -> None:
    teams = (SHIPPED / "teams.yaml").read_text().replace("name: Platform,", "name: Platforms,")
    await put(rig, {"people.yaml": PEOPLE.replace("name: Stefania,", "name: Stefania Conti,"), "teams.yaml": teams})
    rig.rewrite("people.yaml", "name: Stefania,", "name: S. Conti,")
    assert await rig.watcher.take() == {"people.yaml"}
    assert await name_of_stefania(rig) == "S. Conti"
    assert (await rig.http.get("/v1/teams/platform")).json()["name"] == "Platforms"
    newest = (await rig.http.get("/v1/config/changes")).json()["changes"][0]
    assert (newest["actor"], newest["origin"]) == ("configuration", "folder")
    assert newest["before"]["people"][0]["name"] == "Stefania Conti"


async def test_a_start_over_a_folder_that_broke_keeps_what_was_applied(rig: Rig, tmp_path: Path) -> None:
    await put(rig, {"people.yaml": PEOPLE.replace("name: Stefania,", "name: Stefania Conti,")})
    (rig.tree / "people.yaml").write_text("people: [{")
    watcher = again(rig)
    await watcher.start()
    try:
        assert "people.yaml:1" in (await watcher.note() or "")
        assert await name_of_stefania(rig) == "Stefania Conti"
    finally:
        await watcher.stop()


# Whatever is applied is what is exported ----------------------------------------------------------------------------


def random_tree(dice: random.Random) -> dict[str, str]:
    """People, teams and rotas that fit together, each written in one of the ways in which the same may be said."""
    people = [f"p{number}" for number in range(dice.randint(2, 6))]
    contact = [
        {"sms": "+15550100", "verified": dice.random() < 0.5},
        {"channel": "email", "address": "a@example.com", "verified": dice.random() < 0.5},
    ]
    said: dict[str, list[dict[str, Any]]] = {
        "people": [
            {
                "id": one,
                "name": one.upper(),
                "zone": dice.choice(["UTC", "Europe/Rome"]),
                "contacts": contact,
                "chain": dice.choice([{}, {"high": ["sms", {"email": "300s"}], "low": [{"contact": "email"}]}]),
                "quiet_hours": dice.choice(
                    [[], [{"hours": "22:00 - 07:00"}, {"days": ["sa", "su"], "hours": "00:00-24:00"}]]
                ),
            }
            for one in people
        ],
        "teams": [
            {"id": f"t{number}", "name": "T", "members": [dice.choice(["", "person:"]) + dice.choice(people)]}
            for number in range(dice.randint(0, 3))
        ],
        "rotas": [_rota(dice, people, name) for name in ("default", "second")[: dice.randint(1, 2)]],
        "services": [{"id": "s", "name": "S", "responsible": dice.choice(people), "public": dice.random() < 0.5}],
        "principals": [{"id": "operator", "name": "O", "roles": ["admin"], "key": {"env": "TOCSIN_KEY_OPERATOR"}}],
        **{key: [] for key in ("roles", "tools", "tenants", "links")},
    }
    for things in said.values():
        dice.shuffle(things)
    return {f"{key}.yaml": yaml.safe_dump({key: things}, sort_keys=dice.random() < 0.5) for key, things in said.items()}


def _rota(dice: random.Random, people: list[str], name: str) -> dict[str, Any]:
    layer = {
        "id": "l",
        "people": dice.sample(people, 2),
        "every": dice.choice(["weekly", "1 week", "2 days", ["4 days", "3 days"]]),
        "starts_on": "2026-03-02",
        "only": dice.choice([[], [{"days": "mo-fr", "hours": "09:00-17:00"}], [{"hours": "20:00-24:00"}]]),
        "lasts": dice.choice([None, "12 hours", "90 minutes"]),
    }
    return {"id": name, "name": name, "zone": "Europe/Rome", "layers": [layer], "backups": [people[0]]}


@pytest.mark.parametrize("seed", range(8))
async def test_what_was_applied_is_exported_in_the_canonical_form(rig: Rig, seed: int) -> None:
    texts = random_tree(random.Random(seed))
    canonical = {name: FORM.canonical(parse(name, text)) for name, text in texts.items()}
    await put(rig, texts)
    found = {name: one["document"] for name, one in (await in_force(rig))["files"].items()}
    assert found == canonical
    answer = await put(rig, {name: yaml.safe_dump(said) for name, said in found.items()})
    assert answer["changed"] == []
