"""Channels that are applied over HTTP: used by every replica at once, kept over a restart, refused where a secret is missing."""

from pathlib import Path

import pytest

from libs.common.service import Service
from tests.integration.notifier_desk import LOCAL, SECRETS, new_service, running_desk
from tests.support.sample import until

TWILIO = """
channels:
  - id: sms
    name: Text messages
    provider: twilio
    account_sid: {env: SID}
    auth_token: {env: TOKEN}
    from: "+1 500 555 0006"
"""


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def provider(service: Service) -> str:
    """By whom a replica would send a text message."""
    (channels,) = [part for part in service.components if part.name == "channels"]
    return str(channels._book.facts()["sms"].provider)  # type: ignore[attr-defined]  # noqa: SLF001 - it is seen nowhere else


async def test_what_one_replica_takes_in_is_used_by_all(database_url: str, tmp_path: Path) -> None:
    async with running_desk(database_url, tmp_path, LOCAL, replicas=2) as desk:
        headers = await desk.key("admin")
        assert [provider(one) for one in desk.services] == ["local", "local"]
        answer = await desk.http.put("/v1/config", json={"files": {"channels.yaml": TWILIO}}, headers=headers)
        assert answer.status_code == 200, answer.text

        async def everywhere() -> bool:
            return [provider(one) for one in desk.services] == ["twilio", "twilio"]

        await until(everywhere)
        (channel,) = answer.json()["after"]["channels.yaml"]["channels"]
        assert channel["auth_token"] == {"env": "TOKEN"}
        assert channel["from"] == "+15005550006"


async def test_a_start_over_a_broken_folder_uses_what_was_applied(database_url: str, tmp_path: Path) -> None:
    async with running_desk(database_url, tmp_path, LOCAL) as desk:
        headers = await desk.key("admin")
        answer = await desk.http.put("/v1/config", json={"files": {"channels.yaml": TWILIO}}, headers=headers)
        assert answer.status_code == 200
        (tmp_path / "channels.yaml").write_text("channels: [")
        later = await new_service(desk, database_url, tmp_path, 7)
        await later.start()
        try:
            assert provider(later) == "twilio"
        finally:
            await later.stop()


async def test_a_secret_that_is_not_there_is_told_with_its_line_and_nothing_changes(
    database_url: str, tmp_path: Path
) -> None:
    async with running_desk(database_url, tmp_path, LOCAL) as desk:
        headers = await desk.key("admin")
        wanted = TWILIO.replace("{env: TOKEN}", "{env: NOSUCH}")
        answer = await desk.http.put("/v1/config", json={"files": {"channels.yaml": wanted}}, headers=headers)
        assert answer.status_code == 422
        assert answer.json()["detail"] == "channels.yaml:7: channels[0].auth_token: NOSUCH is not set"
        assert provider(desk.service) == "local"
