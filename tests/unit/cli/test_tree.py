"""A tree is written in one form that reads the same again, checked without a running Tocsin, and never half written."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from libs.common.configuration import Form, problem_of
from libs.common.documents import Document, parse
from libs.common.errors import Misconfigured
from services.cli import offline
from services.cli.__main__ import app
from services.cli.errors import problems_of
from services.cli.tree import write_tree, written
from services.escalator.handlers.config import FORM as ESCALATOR
from services.intake.handlers.configure import FORM as INTAKE
from services.notifier.config import FORM as NOTIFIER
from services.oncall.handlers.configuration import FORM as ONCALL

SHIPPED = Path("deploy/config")


def forms() -> Iterator[tuple[str, Form]]:
    for form in (INTAKE, ESCALATOR, NOTIFIER, ONCALL):
        for name in form.models:
            yield name, form


@pytest.mark.parametrize(("name", "form"), tuple(forms()))
def test_the_canonical_form_of_a_shipped_file_says_the_same_and_stays_the_same(name: str, form: Form) -> None:
    shipped = parse(name, (SHIPPED / name).read_text())
    canonical = form.canonical(shipped)
    text = written(canonical)
    again = parse(name, text)
    assert again.load(form.models[name]) == shipped.load(form.models[name])
    assert form.canonical(again) == canonical
    assert written(form.canonical(again)) == text


def test_two_ways_to_say_the_same_are_one() -> None:
    short = "teams:\n  - {id: a, name: A, members: [ann]}\n"
    long = "teams:\n  - {name: A, backups: [], members: ['person:ann'], id: a}\n"
    one, other = (ONCALL.canonical(parse("teams.yaml", text)) for text in (short, long))
    assert one == other == {"teams": [{"id": "a", "name": "A", "members": ["ann"]}]}
    ladders = "ladders: [{id: l, name: L, rungs: [{name: R, roles: first, after: 60m}]}]"
    (ladder,) = ESCALATOR.canonical(parse("ladders.yaml", ladders))["ladders"]
    assert ladder["rungs"] == [{"name": "R", "roles": ["first"], "after": "1h"}]


def test_what_a_newer_version_wrote_is_shown_as_it_is() -> None:
    said = {"teams": [{"id": "a", "name": "A", "colour": "red"}]}
    assert ONCALL.kept("teams.yaml", said) == said
    with pytest.raises(Misconfigured, match=r"teams\.yaml:1: teams\[0\]\.colour: no such key"):
        ONCALL.canonical(Document.of("teams.yaml", said))


leaves = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=12)
awkward = st.sampled_from(
    ["no", "1e5", "10:00", "+15550100", "0x1f", "~", "null", "01", "2026-03-02", "- a", "a: b", ""]
)


@given(
    st.recursive(
        leaves | awkward,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    )
)
def test_whatever_is_written_reads_the_same_again(said: Any) -> None:
    try:
        text = written({"top": said})
    except Misconfigured as error:
        assert "cannot be written" in error.detail  # noqa: PT017 - what YAML has no form for is refused, never changed
        return
    assert parse("x", text).data == {"top": said}


# Checked without a running Tocsin -----------------------------------------------------------------------------------


def run(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["check", *map(str, words)])
    return done.exit_code, done.output.replace("\n", " ")


def test_the_shipped_tree_has_no_errors() -> None:
    assert run(SHIPPED) == (0, f"{len(list(SHIPPED.glob('*.yaml')))} files, no errors. ")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (
            "people.yaml",
            "people:\n  - {id: a, nme: A}\n",
            "people.yaml:2: people[0].nme: no such key; did you mean name?",
        ),
        ("people.yaml", "people: [\n", "people.yaml:2: this is no YAML"),
        ("teams.yaml", "teams:\n  - id: a\n    name: A\n    members: [ghost]\n", "teams.yaml:4: teams[0].members[0]: "),
        ("ladders.yaml", "ladders:\n  - {id: l, name: L, rungs: []}\n", "ladders.yaml:2: ladders[0].rungs: "),
        ("clocks.yaml", "clocks:\n  - {id: c, name: C, obligations: []}\n", "has no clocks “standard”"),
        ("channels.yaml", "channels:\n  - {id: sms, name: S, provider: pigeon}\n", "channels.yaml:2: channels[0]"),
        (
            "integrations.yaml",
            "integrations:\n  - {id: i, name: I, source: nosuch}\n",
            "integrations.yaml:2: integrations[0].source: there is no source 'nosuch'",
        ),
    ],
)
def test_errors_are_told_with_file_line_place_and_rule(name: str, text: str, sentence: str, tmp_path: Path) -> None:
    tree = tmp_path / "t"
    copytree(SHIPPED, tree)
    (tree / name).write_text(text)
    code, said = run(tree)
    assert code == 1
    assert sentence in said
    assert run(tree, "--json")[0] == 1


def test_everything_that_is_wrong_in_any_file_is_told_at_once(tmp_path: Path) -> None:
    tree = tmp_path / "t"
    copytree(SHIPPED, tree)
    (tree / "channels.yaml").write_text("channels: 3\n")
    (tree / "teams.yaml").write_text("teams:\n  - {id: a, name: A, members: [ghost, spook]}\n")
    _, found = offline.check(tree)
    assert {(one.file, one.line) for one in found} >= {(f"{tree}/channels.yaml", 1), (f"{tree}/teams.yaml", 2)}
    assert len([one for one in found if one.file == f"{tree}/teams.yaml"]) == 2


def test_references_into_other_services_files_that_lead_nowhere_are_doubts(tmp_path: Path) -> None:
    tree = tmp_path / "t"
    copytree(SHIPPED, tree)
    (tree / "roles.yaml").write_text((SHIPPED / "roles.yaml").read_text().replace("id: coo,", "id: coo-2,"))
    text = (SHIPPED / "routing.yaml").read_text().replace("when: {kind: tool}", "when: {kind: tool, service: [nosuch]}")
    (tree / "routing.yaml").write_text(text)
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "nosuch" in one)
    code, said = run(tree)
    assert code == 0
    assert f"doubtful: {tree}/routing.yaml:{line}: routing.rules[4].when.service[0]: services.yaml has no" in said
    assert "ladders[0].rungs[5].roles[0]: roles.yaml has no role 'coo': nobody is told, unless the API added it" in said
    assert "doubtful" not in run(SHIPPED)[1]


def test_channels_that_nothing_carries_are_doubts_with_file_and_line(tmp_path: Path) -> None:
    tree = tmp_path / "t"
    copytree(SHIPPED, tree)
    people = """\
people:
  - id: ada
    name: Ada
    contacts:
      - {sms: +15550100}
      - {pager: "0815", verified: true}
      - channel: fax
        address: "1"
    chain:
      high: [sms, {pager: 2m}]
      low:
        - fax
"""
    shipped = (SHIPPED / "people.yaml").read_text().partition("people:\n")[2]
    (tree / "people.yaml").write_text(people + shipped)
    tenants = (SHIPPED / "tenants.yaml").read_text().replace("[{email: it@harbour.example}]", "[{pigeon: coo}]")
    (tree / "tenants.yaml").write_text(tenants)
    channels = (SHIPPED / "channels.yaml").read_text() + "  - {id: 'ticket:nosuch', name: Tickets, provider: local}\n"
    (tree / "channels.yaml").write_text(channels)
    code, said = run(tree)
    assert code == 0
    pigeon = next(number for number, text in enumerate(tenants.splitlines(), 1) if "pigeon" in text)
    place = f"channels.yaml:{len(channels.splitlines())}: channels[{len(yaml.safe_load(channels)['channels']) - 1}].id"
    nothing, passed = "nothing is sent to this contact", "this step is passed over"
    for sentence in (
        f"people.yaml:6: people[0].contacts[1].pager: channels.yaml has no channel 'pager': {nothing}",
        f"people.yaml:7: people[0].contacts[2].channel: channels.yaml has no channel 'fax': {nothing}",
        f"people.yaml:10: people[0].chain.high[1]: channels.yaml has no channel 'pager': {passed}",
        f"people.yaml:12: people[0].chain.low[0]: channels.yaml has no channel 'fax': {passed}",
        f"tenants.yaml:{pigeon}: tenants[1].contacts[1].contacts[0].pigeon: channels.yaml has no channel 'pigeon'",
        f"{place}: integrations.yaml has no integration 'nosuch': no ticket comes by it, unless the API added it",
    ):
        assert f"doubtful: {tree}/{sentence}" in said
    assert said.count("doubtful") == 6
    assert "doubtful" not in run(SHIPPED)[1]


def test_missing_files_are_named_and_others_are_told_of(tmp_path: Path) -> None:
    tree = tmp_path / "t"
    copytree(SHIPPED, tree)
    (tree / "peple.yaml").write_text("people: []")
    assert "peple.yaml: nobody reads this file" in run(tree)[1]
    before = (tree / "people.yaml").read_bytes()
    (tree / "people.yaml").write_bytes(before + "\n# Zoë\n".encode("latin-1"))
    line = before.count(b"\n") + 2
    assert f"people.yaml:{line}: this is no UTF-8 text" in run(tree)[1]
    (tree / "people.yaml").unlink()
    code, said = run(tree)
    assert code == 1
    assert "people.yaml: this file is missing" in said
    assert "there is no folder" in run(tmp_path / "nowhere")[1]


def test_sentences_of_a_service_become_places_in_the_callers_tree() -> None:
    text = (
        "teams.yaml:4: teams[0].members[0]: there is no person 'x'\nrotas.yaml:1: this is no YAML: oops\nsomething else"
    )
    one, two, three = problems_of(text, Path("conf"))
    assert one.shown == {
        "file": "conf/teams.yaml",
        "line": 4,
        "place": "teams[0].members[0]",
        "rule": "there is no person 'x'",
    }
    assert (two.file, two.line, two.place, two.rule) == ("conf/rotas.yaml", 1, None, "this is no YAML: oops")
    assert str(three) == "something else"
    assert problem_of("teams.yaml:4: teams[0].members[0]: no").pointer == "#/files/teams.yaml/teams/0/members/0"


def test_files_are_replaced_only_where_that_is_allowed_and_all_or_none(tmp_path: Path) -> None:
    assert write_tree(tmp_path / "new", {"a.yaml": "a: 1\n"}, replace=False) == ["a.yaml"]
    assert write_tree(tmp_path / "new", {"a.yaml": "a: 1\n"}, replace=False) == []
    with pytest.raises(Misconfigured, match="give --force"):
        write_tree(tmp_path / "new", {"a.yaml": "a: 2\n", "b.yaml": "b: 1\n"}, replace=False)
    assert not (tmp_path / "new" / "b.yaml").exists()
    assert write_tree(tmp_path / "new", {"a.yaml": "a: 2\n"}, replace=True) == ["a.yaml"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.yaml"]
