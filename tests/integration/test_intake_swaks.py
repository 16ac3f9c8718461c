"""Debian's swaks, unchanged, hands mail over: STARTTLS, an address with a key, a calendar attached."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.intake_support import CONFIG, House
from tests.integration.mail_support import OTHERS, OUTAGE, PROVIDERS, address, mail_intake, server_of
from tests.support.programs import program
from tests.unit.intake.support import samples_of

MAIL_CONFIG = (
    CONFIG
    + """
  - id: provider-mail
    name: Providers' mail
    source: mail
    kind: provider
    key: {file: FOLDER/providers.key}
    options: {authserv_ids: [mx.example.org], trust: vendors}
  - id: maintenance-mail
    name: Announced maintenance
    source: mail
    kind: maintenance
    key: {file: FOLDER/others.key}
    options: {team: platform, services: {}}
"""
)


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "integrations.yaml").write_text(MAIL_CONFIG.replace("FOLDER", str(tmp_path)))
    async with mail_intake(database_url, tmp_path, smtp_require_tls=True) as running:
        yield running


async def swaks(house: House, *arguments: str) -> str:
    """What swaks said; it must have been content."""
    command = [program("swaks"), "--server", "127.0.0.1", "--port", str(server_of(house).port), "--tls", *arguments]
    running = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        said, _ = await running.communicate()
    assert running.returncode == 0, said.decode()
    return said.decode()


async def received(house: House) -> list[dict[str, Any]]:
    return [event for event in await house.events() if event["type"] == "tocsin.trigger.received.v1"]


async def test_a_calendar_that_swaks_attaches_becomes_a_maintenance_and_its_cancellation_ends_it(
    house: House, tmp_path: Path
) -> None:
    notice, off = tmp_path / "maintenance.ics", tmp_path / "off.ics"
    notice.write_text(OUTAGE)
    off.write_text(OUTAGE.replace("BEGIN:VEVENT", "METHOD:CANCEL\r\nBEGIN:VEVENT"))

    for calendar in (notice, off):
        said = await swaks(
            house,
            *("--from", "noc@carrier.example", "--to", address(OTHERS, "maintenance")),
            *("--header", "Subject: Planned work on circuit 4711", "--body", "See the calendar."),
            *("--attach-type", "text/calendar", "--attach", f"@{calendar}"),
        )
        assert "TLS started" in said
        assert "250 2.0.0 Taken" in said

    first, last = await received(house)
    assert (first["kind"], first["status"], first["assigned_team"]) == ("maintenance", "firing", "platform")
    assert first["window"] == {"starts_at": "2026-03-05T22:00:00Z", "ends_at": "2026-03-06T02:00:00Z"}
    assert (last["status"], last["dedup_key"]) == ("resolved", first["dedup_key"])


async def test_a_providers_mail_that_swaks_hands_over_is_believed_where_our_server_proved_it(
    house: House, tmp_path: Path
) -> None:
    proven = samples_of("mail")["azure_active"]
    forged = samples_of("mail")["azure_forged"]
    for name, raw in (("proven", proven), ("forged", forged)):
        (tmp_path / name).write_bytes(raw)
        await swaks(house, "--from", "x@microsoft.com", "--to", address(PROVIDERS), "--data", f"@{tmp_path / name}")

    (event,) = await received(house)
    assert (event["kind"], event["provider"], event["dedup_key"]) == ("provider", "azure", "azure:9VTC-HZ8")
    (kept,) = [one for one in await house.events() if one["type"] == "tocsin.trigger.quarantined.v1"]
    assert (kept["integration_id"], kept["reason"]) == ("provider-mail", "not-authenticated")
    (row,) = await house.rows("SELECT reason, state FROM quarantine")
    assert (row["reason"], row["state"]) == ("not-authenticated", "waiting")


async def test_a_mail_can_be_tried_out_before_anybody_is_paged(house: House) -> None:
    raw = samples_of("mail")["google_network_planned"].decode()

    answer = await house.call("POST", "/v1/integrations/provider-mail/preview", json={"headers": {}, "body": raw})

    assert answer.status_code == 200, answer.text
    (trigger,) = answer.json()["triggers"]
    assert trigger["dedup_key"] == "google:PCR/550123"
    assert trigger["window"] == {"starts_at": "2026-03-07T20:00:00Z", "ends_at": "2026-03-08T04:00:00Z"}
    assert await house.rows("SELECT 1 FROM deliveries") == []
