from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from libs.common.config import ConfigModel, SecretRef, digests, load_file, load_tree
from libs.common.documents import parse
from libs.common.errors import Misconfigured
from libs.common.events.base import Slug


class Contact(ConfigModel):
    channel: Literal["sms", "email"]
    address: str


class Person(ConfigModel):
    id: Slug
    name: str
    zone: str = "UTC"
    contacts: tuple[Contact, ...] = ()


class People(ConfigModel):
    people: tuple[Person, ...] = ()


class Sms(ConfigModel):
    kind: Literal["sms"]
    sender: str


class Mail(ConfigModel):
    kind: Literal["mail"]
    server: str
    password: SecretRef | None = None


class Channels(ConfigModel):
    channels: dict[str, Annotated[Sms | Mail, Field(discriminator="kind")]]


GOOD = """\
# who works here
people:
  - id: stefania
    name: Stefania
    contacts:
      - {channel: sms, address: +15550100}
  - id: rafael
    name: Rafael
"""


def complaint(text: str, model: type[ConfigModel] = People) -> str:
    with pytest.raises(Misconfigured) as caught:
        parse("people.yaml", text).load(model)
    return caught.value.detail


def test_a_file_is_read_as_its_model(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(GOOD)
    people = load_file(tmp_path / "people.yaml", People).people
    assert [person.id for person in people] == ["stefania", "rafael"]
    assert people[0].contacts[0].address == "+15550100"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10:00", "10:00"),
        ("02:00", "02:00"),
        ("2026-11-24", "2026-11-24"),
        ("no", "no"),
        ("on", "on"),
        ("+15550100", "+15550100"),
        ("0815", "0815"),
        ("1_000", "1_000"),
        ("12", 12),
        ("-1.5", -1.5),
        ("true", True),
        ("null", None),
        ("~", None),
        ('"12"', "12"),
    ],
)
def test_only_what_json_knows_is_more_than_text(text: str, value: object) -> None:
    assert parse("x.yaml", f"key: {text}").data == {"key": value}


def test_a_wrong_value_is_told_with_file_line_place_and_rule() -> None:
    text = GOOD.replace("channel: sms", "channel: pigeon")
    said = complaint(text)
    assert said.startswith("people.yaml:6: people[0].contacts[0].channel: 'pigeon': input should be 'sms' or 'email'")


@pytest.mark.parametrize(
    ("good", "bad", "rule"),
    [
        ("name: Rafael", "name: 5550100", '5550100: text is needed; write "5550100", in quotes'),
        ("id: rafael", "id: Rafael B", "'Rafael B': an id is made of small letters"),
    ],
)
def test_a_rule_says_how_to_write_it(good: str, bad: str, rule: str) -> None:
    assert good in GOOD
    assert complaint(GOOD.replace(good, bad)).partition(": ")[2].partition(": ")[2].startswith(rule)


def test_what_is_no_list_and_what_is_empty_is_told_in_the_words_of_the_file() -> None:
    assert complaint("people: rafael") == "people.yaml:1: people: 'rafael': a list is needed; write [rafael]"
    assert complaint("people: [rafael]").endswith("'rafael': keys with values are needed, as {name: value}")
    assert complaint("# nothing") == (
        "people.yaml:1: this file says nothing; where there is nothing to say, it says “people: []”"
    )


def test_a_tab_and_a_merged_key_are_told_as_what_they_are() -> None:
    assert complaint("people:\n\t- id: a\n") == "people.yaml:2: this is no YAML: there is a tab; indent with spaces"
    assert "people[0].<<: keys are not merged here; write each of them out" in complaint("people:\n  - {<<: {id: a}}\n")


def test_a_missing_key_is_told_at_the_line_of_its_owner() -> None:
    assert complaint("people:\n  - name: Helena\n") == "people.yaml:2: people[0].id: is missing"


def test_an_unknown_key_is_told_with_the_one_that_was_meant() -> None:
    assert complaint(GOOD.replace("name: Rafael", "nam: Rafael")).splitlines()[-1] == (
        "people.yaml:8: people[1].nam: no such key; did you mean name?"
    )
    said = complaint(GOOD.replace("address:", "adress: x, address:"))
    assert said == "people.yaml:6: people[0].contacts[0].adress: no such key; did you mean address?"
    assert complaint("peeple: []") == "people.yaml:1: peeple: no such key; did you mean people?"
    assert "known here: contacts, id, name, zone" in complaint("people: [{id: a, name: A, qqqq: 1}]")


def test_places_inside_a_union_are_told_without_its_machinery() -> None:
    said = complaint("channels:\n  a:\n    kind: mail\n    server: s\n    sendr: x\n", Channels)
    assert said == "people.yaml:5: channels.a.sendr: no such key; did you mean sender?"
    said = complaint("channels:\n  a:\n    kind: mail\n    server: 7\n", Channels)
    assert said.startswith('people.yaml:4: channels.a.server: 7: text is needed; write "7", in quotes')


def test_everything_that_is_wrong_is_told_at_once() -> None:
    said = complaint("people:\n  - {id: UPPER, name: A}\n  - {id: b}\n")
    assert [line.split(": ")[0] for line in said.splitlines()] == ["people.yaml:2", "people.yaml:3"]


def test_a_key_that_stands_twice_is_an_error() -> None:
    assert complaint("people: []\n\npeople: []\n") == "people.yaml:3: people stands twice; first in line 1"


def test_an_id_that_stands_twice_is_an_error() -> None:
    said = complaint(GOOD.replace("id: rafael", "id: stefania"))
    assert said == "people.yaml:7: people[1].id: 'stefania' stands twice; first in line 3"


def test_what_is_no_yaml_is_told_with_its_line() -> None:
    assert complaint("people:\n  - id: [a\n").startswith("people.yaml:3: this is no YAML: ")
    assert complaint("a: \t\x07").startswith("people.yaml:1: this is no YAML: ")


def test_aliases_cannot_multiply_a_document_without_end() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for one, other in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{other}: &{other} [*{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}]\n"
    assert "far too large" in complaint(bomb)
    assert "endless" in complaint("a: &a [*a]")


def test_depth_and_numbers_have_limits() -> None:
    assert complaint("[" * 5000) == "people.yaml:1: this is nested too deeply"
    assert "in quotes it is text" in complaint("a: " + "9" * 5000)


def test_an_alias_repeats_what_it_names() -> None:
    assert parse("x.yaml", "a: &a {b: 1}\nc: *a\n").data == {"a": {"b": 1}, "c": {"b": 1}}


def test_a_tag_is_not_read() -> None:
    assert "is not read here" in complaint("people: !!binary aGk=")


def test_an_empty_file_says_what_it_should_be() -> None:
    assert complaint("").startswith("people.yaml:1: ")


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fall_over(text: str) -> None:
    try:
        parse("x.yaml", text)
    except Misconfigured as error:
        assert error.detail.startswith("x.yaml:")  # noqa: PT017 - either way is fine


def test_a_missing_file_says_how_to_have_none_of_its_things(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"tools\.yaml: this file is missing; .*“tools: \[\]”"):
        load_tree(tmp_path, ["tools.yaml"])


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    tree = load_tree(tmp_path, [], {"KEY": "abc"})
    assert tree.secret(SecretRef(env="KEY")) == "abc"
    assert tree.secret(SecretRef(env="OTHER")) is None
    assert tree.secret(SecretRef(file=tmp_path / "secret")) == "hush"
    assert tree.secret(None) is None
    with pytest.raises(Misconfigured, match="cannot be read"):
        tree.secret(SecretRef(file=tmp_path / "none"))


def test_a_secret_names_one_place() -> None:
    said = complaint("channels: {a: {kind: mail, server: s, password: {env: A, file: B}}}", Channels)
    assert "give either env or file" in said


def test_the_digest_changes_with_the_text_and_with_the_secrets_it_names(tmp_path: Path) -> None:
    path = tmp_path / "channels.yaml"
    path.write_text("channels: {a: {kind: mail, server: s, password: {env: PASSWORD}}}")

    def digest(password: str) -> str:
        return digests(load_tree(tmp_path, ["channels.yaml"], {"PASSWORD": password}))["channels.yaml"]

    before = digest("one")
    assert digest("one") == before
    assert digest("two") != before
    path.write_text("# a remark\nchannels: {a: {kind: mail, server: s, password: {env: PASSWORD}}}")
    assert digest("one") == before
    path.write_text("channels: {}")
    assert digest("one") != before


def test_an_error_between_files_is_told_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(GOOD)
    tree = load_tree(tmp_path, ["people.yaml"])
    error = tree.error("people.yaml", ("people", 1, "name"), "nobody has this team")
    assert error.detail == "people.yaml:8: people[1].name: nobody has this team"
