"""What the pages say is there is there."""

import re
from pathlib import Path

import pytest

from libs.common.settings import ServiceSettings
from services.settings import LocalSettings

PAGES = sorted([*Path().glob("*.md"), *Path("docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not broken


def test_every_setting_of_a_local_instance_stands_in_the_table() -> None:
    table = Path("docs/running.md").read_text()
    assert not [name for name in LocalSettings.model_fields if f"`TOCSIN_{name.upper()}`" not in table]


def test_the_readme_runs_and_tests_with_one_command_each() -> None:
    commands = re.findall(r"```sh\n(.+?)\n```", Path("README.md").read_text(), re.DOTALL)
    assert commands == ["make run", "make check test"]
    assert "make check test" in Path(".ci/run").read_text()


def test_no_page_names_a_folder_of_the_machine_it_was_written_on() -> None:
    assert not [str(page) for page in PAGES if re.search(r"(?<![\w.])/(work|root|home)/", page.read_text())]


def test_shared_settings_have_a_sentence_each() -> None:
    assert all(field.description for field in ServiceSettings.model_fields.values())
