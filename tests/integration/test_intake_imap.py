"""A mailbox is read to its end, each message once, and marked only after the commit: against Debian's Dovecot."""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.intake.domain.mailbox import MailboxOptions, folder_name, may_be_asked
from services.intake.mail import imap
from services.intake.mail.mailbox import Mailbox
from tests.integration.intake_support import House, no_database
from tests.integration.mail_support import calendar_mail, mail_intake
from tests.support.dovecot import PASSWORD, USER, Dovecot, running_dovecot

DELIVERIES = "SELECT body, headers FROM deliveries ORDER BY id"

CONFIG = """
integrations:
  - id: provider-mail
    name: Providers' mail
    source: mail
    kind: provider
    options:
      mailbox: {host: 127.0.0.1, port: PORT, username: USER, password: {file: FOLDER/password}, every: 60s, OPTIONS}
"""

TLS = "security: tls, ca_file: FOLDER/ca.pem"


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with running_dovecot() as running:
        yield running


@pytest.fixture
def dovecot(server: Dovecot) -> Dovecot:
    server.empty("INBOX", "Read & done")
    return server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "LIST_SECONDS", 0.2)
    monkeypatch.setattr(imap, "ROUND_SECONDS", 0.02)


def write(folder: Path, dovecot: Dovecot, options: str = "security: none", port: int | None = None) -> None:
    (folder / "password").write_text(PASSWORD)
    (folder / "ca.pem").write_bytes((dovecot.folder / "certificate.pem").read_bytes())
    text = CONFIG.replace("PORT", str(port or dovecot.port)).replace("OPTIONS", options)
    (folder / "integrations.yaml").write_text(text.replace("FOLDER", str(folder)).replace("USER", USER))


@pytest.fixture
async def house(database_url: str, tmp_path: Path, dovecot: Dovecot) -> AsyncIterator[House]:
    write(tmp_path, dovecot)
    async with mail_intake(database_url, tmp_path, smtp_port=None) as running:
        yield running


async def eventually(look: Callable[[], Awaitable[Any]], seconds: float = 60) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := await look()):  # noqa: ASYNC110 - what is waited for is another program's
            await asyncio.sleep(0.05)
    return found


async def read_through(house: House) -> list[dict[str, Any]]:
    """What was taken, once the reader has looked once more."""
    before = await looks(house)
    house.clock.advance(timedelta(minutes=5))

    async def looked() -> bool:
        return await looks(house) > before

    await eventually(looked)
    return await house.rows(DELIVERIES)


async def looks(house: House, outcome: str = "read") -> float:
    labels = {"integration": "provider-mail", "outcome": outcome}
    registry = house.service.platform.metrics.registry
    return registry.get_sample_value("tocsin_mailbox_looks_total", labels) or 0.0


async def put(dovecot: Dovecot, raw: bytes, flags: str = "") -> None:
    await asyncio.to_thread(dovecot.put, raw, flags=flags)


async def shown(dovecot: Dovecot, folder: str = "INBOX") -> list[tuple[str, bytes]]:
    return await asyncio.to_thread(functools.partial(dovecot.look, folder))


def mail(number: int, message_id: str | None = None) -> bytes:
    name = f"<{number}@carrier.example>" if message_id is None else message_id
    return calendar_mail(f"Notice {number}", name)


async def test_what_nobody_has_seen_is_taken_and_then_marked(
    database_url: str, tmp_path: Path, dovecot: Dovecot
) -> None:
    write(tmp_path, dovecot)
    await put(dovecot, mail(1))
    await put(dovecot, mail(2), r"\Seen")
    await put(dovecot, mail(3))

    async with mail_intake(database_url, tmp_path, smtp_port=None) as house:
        rows = await read_through(house)

    assert [b"Notice 1" in row["body"] or b"Notice 3" in row["body"] for row in rows] == [True, True]
    assert rows[0]["headers"]["x-tocsin-mail-transport"] == "imap"
    assert all(r"\Seen" in flags for flags, _ in await shown(dovecot))


async def test_what_comes_later_is_taken_even_where_a_person_has_read_it_meanwhile(
    dovecot: Dovecot, house: House
) -> None:
    await read_through(house)
    await put(dovecot, mail(1), r"\Seen")
    await put(dovecot, mail(2))

    assert len(await read_through(house)) == 2
    assert len(await read_through(house)) == 2


async def test_a_restart_repeats_nothing_and_misses_nothing(
    database_url: str, tmp_path: Path, dovecot: Dovecot
) -> None:
    write(tmp_path, dovecot)
    async with mail_intake(database_url, tmp_path, smtp_port=None) as house:
        await put(dovecot, mail(1))
        await read_through(house)
    await put(dovecot, mail(2, message_id=""))
    async with mail_intake(database_url, tmp_path, smtp_port=None) as house:
        assert len(await read_through(house)) == 2
        assert len(await read_through(house)) == 2


async def test_a_crash_before_the_mark_takes_nothing_twice(
    dovecot: Dovecot, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await read_through(house)
    real = Mailbox.done_with

    async def lost(_self: Mailbox, _uid: int) -> None:
        raise ConnectionResetError("gone in the middle")

    monkeypatch.setattr(Mailbox, "done_with", lost)
    await put(dovecot, mail(1))
    await put(dovecot, mail(2, message_id=""))
    failed = await looks(house, "failed")
    house.clock.advance(timedelta(minutes=5))

    async def has_failed() -> bool:
        return await looks(house, "failed") > failed

    await eventually(has_failed)
    assert len(await house.rows(DELIVERIES)) == 1
    assert not any(r"\Seen" in flags for flags, _ in await shown(dovecot))

    monkeypatch.setattr(Mailbox, "done_with", real)
    house.clock.advance(timedelta(minutes=20))
    assert len(await read_through(house)) == 2
    assert all(r"\Seen" in flags for flags, _ in await shown(dovecot))


@pytest.mark.parametrize(
    ("options", "kept", "moved"),
    [
        ("security: none, then: delete", [], []),
        ('security: none, then: move, move_to: "Read & done"', [], [b"Subject: Notice 1"]),
        ("security: starttls, ca_file: FOLDER/ca.pem", [b"Subject: Notice 1"], []),
    ],
    ids=["delete", "move", "starttls"],
)
async def test_a_message_that_is_committed_is_treated_as_the_options_say(
    database_url: str, tmp_path: Path, dovecot: Dovecot, options: str, kept: list[bytes], moved: list[bytes]
) -> None:
    write(tmp_path, dovecot, options)
    await put(dovecot, mail(1))
    async with mail_intake(database_url, tmp_path, smtp_port=None) as house:
        assert len(await read_through(house)) == 1

    assert [subject for _, subject in await shown(dovecot)] == kept
    assert [subject for _, subject in await shown(dovecot, "Read & done")] == moved


async def test_tls_is_spoken_and_the_certificate_is_checked(
    database_url: str, tmp_path: Path, dovecot: Dovecot
) -> None:
    write(tmp_path, dovecot, TLS, dovecot.tls_port)
    await put(dovecot, mail(1))
    async with mail_intake(database_url, tmp_path, smtp_port=None) as house:
        assert len(await read_through(house)) == 1

        write(tmp_path, dovecot, "security: tls", dovecot.tls_port)

        async def complains() -> bool:
            return "CERTIFICATE_VERIFY_FAILED" in (await house.client.get("/readyz")).text

        await eventually(complains)


async def test_a_mailbox_that_is_away_is_told_of_and_read_once_it_is_back(dovecot: Dovecot, house: House) -> None:
    await read_through(house)
    await asyncio.to_thread(dovecot.stop)
    house.clock.advance(timedelta(minutes=5))

    async def complains() -> bool:
        return "cannot be read" in (await house.client.get("/readyz")).text

    await eventually(complains)
    assert (await house.client.get("/readyz")).status_code == 200
    assert 'tocsin_mailbox_failing{integration="provider-mail"} 1.0' in (await house.client.get("/metrics")).text

    await asyncio.to_thread(dovecot.start)
    await put(dovecot, mail(1))
    house.clock.advance(timedelta(minutes=20))
    assert len(await read_through(house)) == 1
    assert "cannot be read" not in (await house.client.get("/readyz")).text


async def test_while_the_database_is_away_nothing_is_marked_and_nothing_lost(dovecot: Dovecot, house: House) -> None:
    await read_through(house)
    async with no_database(house):
        await put(dovecot, mail(1))
        house.clock.advance(timedelta(minutes=5))
        await asyncio.sleep(0.5)
        assert not any(r"\Seen" in flags for flags, _ in await shown(dovecot))

    async def taken() -> list[dict[str, Any]]:
        house.clock.advance(timedelta(minutes=20))  # each time, since a look that still fails is tried again later
        return await house.rows(DELIVERIES)

    assert len(await eventually(taken)) == 1


async def test_two_replicas_read_a_mailbox_in_turn_and_never_both(
    database_url: str, tmp_path: Path, dovecot: Dovecot
) -> None:
    write(tmp_path, dovecot)
    async with (
        mail_intake(database_url, tmp_path, smtp_port=None) as one,
        mail_intake(database_url, tmp_path, smtp_port=None) as other,
    ):
        for number in range(5):
            await put(dovecot, mail(number))
        for house in (one, other):
            house.clock.advance(timedelta(minutes=5))

        async def read() -> bool:
            return len(await one.rows(DELIVERIES)) == 5

        await eventually(read)
        await asyncio.sleep(0.3)
        assert 0.0 in (await looks(one), await looks(other))
        assert len(await one.rows(DELIVERIES)) == 5


async def test_a_mailbox_that_was_made_anew_is_read_from_its_start(dovecot: Dovecot, house: House) -> None:
    await put(dovecot, mail(1))
    await read_through(house)
    async with house.uow.begin() as tx:
        await tx.session.execute(text("UPDATE mailboxes SET validity = validity - 1"))

    await put(dovecot, mail(2))

    assert len(await read_through(house)) == 2


def test_no_password_is_sent_to_a_host_that_only_the_api_names() -> None:
    assert may_be_asked("imap.example", "config", [])
    assert not may_be_asked("imap.example", "api", [])
    assert may_be_asked("IMAP.example", "api", ["*.example"])
    assert not may_be_asked("imap.other", "config", ["*.example"])


@pytest.mark.parametrize(
    ("name", "written"),
    [("INBOX", '"INBOX"'), ("Störungen", '"St&APY-rungen"'), ("A&B", '"A&-B"'), ('a"b\\c', '"a\\"b\\\\c"')],
)
def test_names_of_folders_are_written_as_imap_wants_them(name: str, written: str) -> None:
    assert folder_name(name) == written


@pytest.mark.parametrize(
    "wrong",
    [
        {"then": "move"},
        {"move_to": "Done"},
        {"username": "a\r\nb"},
        {"folder": "a\nb"},
        {"every": "1s"},
        {"host": "a b"},
    ],
)
def test_options_that_cannot_be_meant_are_refused(wrong: dict[str, str]) -> None:
    good: dict[str, Any] = {"host": "imap.example", "username": "ops", "password": {"env": "X"}}
    assert MailboxOptions.model_validate(good).address == ("imap.example", 993)
    with pytest.raises(ValueError, match="validation error"):
        MailboxOptions.model_validate({**good, **wrong})
