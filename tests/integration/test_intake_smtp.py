"""Mail is taken by a mail server of our own: with a commit before the answer, and with limits that a flood meets."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiosmtplib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.intake.mail.session import Limits
from tests.integration.intake_support import ALERTS, House, no_database
from tests.integration.mail_support import OTHERS, PROVIDERS, address, calendar_mail, mail_intake, send, server_of
from tests.support.sample import until

DELIVERIES = "SELECT integration_id, body, headers, triggers FROM deliveries ORDER BY id"


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with mail_intake(database_url, tmp_path) as running:
        yield running


async def test_a_message_is_committed_before_it_is_said_to_be_taken(house: House) -> None:
    raw = calendar_mail()

    _, answer = await send(house, raw)

    assert answer.startswith("2.0.0 Taken")
    (row,) = await house.rows(DELIVERIES)
    assert row["integration_id"] == "provider-mail"
    assert row["body"] == raw
    assert row["headers"]["content-type"] == "message/rfc822"
    assert row["headers"]["x-tocsin-mail-transport"] == "smtp"
    assert row["headers"]["x-tocsin-envelope-from"] == "noc@carrier.example"
    assert row["headers"]["x-tocsin-peer"] == "127.0.0.1"


async def test_a_calendar_that_a_carrier_mails_becomes_a_trigger(house: House) -> None:
    await send(house, calendar_mail())

    (event,) = [one for one in await house.events() if one["type"] == "tocsin.trigger.received.v1"]
    assert event["integration_id"] == "provider-mail"
    assert "4711" in event["title"]


async def test_the_key_in_the_address_is_not_kept_with_the_envelope(house: House) -> None:
    await send(house, calendar_mail())

    (row,) = await house.rows(DELIVERIES)
    assert row["headers"]["x-tocsin-envelope-to"] == "ops@tocsin.example"
    assert PROVIDERS not in str(row["headers"])


async def test_no_key_is_ever_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"), capture_logs() as logged:
        await send(house, calendar_mail())
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            await send(house, calendar_mail(), address("0" * 32))
    for key in (PROVIDERS, "0" * 32):
        assert key[8:] not in caplog.text + str(logged)


@pytest.mark.parametrize(
    "recipient",
    [
        address("0" * 32),
        address(PROVIDERS[:-1] + "0"),
        address(ALERTS),
        address(PROVIDERS[:-1]),
        f"{PROVIDERS}@tocsin.example",
        "postmaster@tocsin.example",
    ],
    ids=["unknown", "wrong-secret", "of-another-source", "too-short", "without-a-plus", "without-a-key"],
)
async def test_whoever_has_no_key_for_mail_hears_the_same(house: House, recipient: str) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await send(house, calendar_mail(), recipient)

    (one,) = refused.value.recipients
    assert (one.code, one.message) == (550, "5.1.1 There is no such mailbox")
    assert await house.rows(DELIVERIES) == []


async def test_who_tries_keys_out_is_sent_away(house: House) -> None:
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=server_of(house).port, start_tls=False)
    async with client:
        await client.ehlo()
        await client.mail("a@b.example")
        for number in range(10):
            with pytest.raises(aiosmtplib.SMTPRecipientRefused):
                await client.rcpt(address(f"{number:032}"))
        with pytest.raises((aiosmtplib.SMTPResponseException, aiosmtplib.SMTPServerDisconnected)):
            await client.rcpt(address())


async def test_a_key_that_a_server_wrote_in_capitals_is_the_same_key(house: House) -> None:
    await send(house, calendar_mail(), address().upper())

    assert len(await house.rows(DELIVERIES)) == 1


async def test_one_message_for_two_integrations_is_delivered_to_each(house: House) -> None:
    await send(house, calendar_mail(), address(), address(OTHERS), address(name="again"))

    rows = await house.rows(DELIVERIES)
    assert sorted(row["integration_id"] for row in rows) == ["other-mail", "provider-mail"]
    (mine,) = (row for row in rows if row["integration_id"] == "provider-mail")
    assert mine["headers"]["x-tocsin-envelope-to"] == "ops@tocsin.example, again@tocsin.example"


async def test_a_message_that_is_sent_again_is_taken_once(house: House) -> None:
    raw = calendar_mail()
    await send(house, raw)

    await send(house, b"Received: from another by way; Mon, 2 Mar 2026 09:20:00 +0000\r\n" + raw)
    await send(house, raw, address(OTHERS))

    assert [row["integration_id"] for row in await house.rows(DELIVERIES)] == ["provider-mail", "other-mail"]


async def test_a_message_that_is_sent_twice_at_once_is_taken_once(house: House) -> None:
    raw = calendar_mail()

    await asyncio.gather(*(send(house, raw) for _ in range(8)))

    assert len(await house.rows(DELIVERIES)) == 1


async def test_another_message_under_the_same_id_is_taken(house: House) -> None:
    await send(house, calendar_mail())
    await send(house, calendar_mail().replace(b"Dear customer", b"Dear colleague"))

    assert len(await house.rows(DELIVERIES)) == 2


async def test_messages_without_an_id_are_taken_each_time(house: House) -> None:
    raw = calendar_mail(message_id="")
    await send(house, raw)
    await send(house, raw)

    assert len(await house.rows(DELIVERIES)) == 2


async def test_while_the_database_is_away_mail_is_to_be_sent_again_and_then_taken(house: House) -> None:
    await send(house, calendar_mail("first", "<first@carrier.example>"))
    async with no_database(house):
        with pytest.raises(aiosmtplib.SMTPException) as refused:
            await send(house, calendar_mail())
        problem = refused.value
        one = problem.recipients[0] if isinstance(problem, aiosmtplib.SMTPRecipientsRefused) else problem
        assert isinstance(one, aiosmtplib.SMTPResponseException)
        assert one.code == 451

    await send(house, calendar_mail())

    assert len(await house.rows(DELIVERIES)) == 2


async def test_too_many_messages_for_a_key_are_to_be_sent_later(database_url: str, tmp_path: Path) -> None:
    async with mail_intake(database_url, tmp_path, rate_limit=2) as house:
        for number in range(2):
            await send(house, calendar_mail(message_id=f"<{number}@carrier.example>"))
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await send(house, calendar_mail(message_id="<3@carrier.example>"))
        assert refused.value.recipients[0].code == 451
        assert refused.value.recipients[0].message.startswith("4.7.1")

        house.clock.advance(timedelta(minutes=1))
        await send(house, calendar_mail(message_id="<3@carrier.example>"))
        assert len(await house.rows(DELIVERIES)) == 3


async def test_the_greeting_says_what_the_server_can(house: House) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=server_of(house).port, start_tls=False) as client:
        await client.ehlo()
        told = {name: client.supports_extension(name) for name in ("size", "8bitmime", "smtputf8", "starttls", "auth")}
        assert told == {"size": True, "8bitmime": True, "smtputf8": True, "starttls": True, "auth": False}
        assert client.esmtp_extensions["size"] == str(10 * 1024 * 1024)


async def test_a_message_over_the_limit_is_refused_by_its_announced_size_and_by_its_bytes(
    database_url: str, tmp_path: Path
) -> None:
    async with mail_intake(database_url, tmp_path, mail_limit=16 * 1024) as house:
        raw = calendar_mail() + b"x" * 20 * 1024 + b"\r\n"
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await send(house, raw)
        assert refused.value.code == 552
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=server_of(house).port, start_tls=False) as client:
            await client.ehlo()
            await client.mail("a@b.example")
            await client.rcpt(address())
            with pytest.raises(aiosmtplib.SMTPDataError) as late:
                await client.data(raw)
            assert late.value.code == 552
        assert await house.rows(DELIVERIES) == []


async def test_lines_longer_than_the_standard_allows_are_taken(house: House) -> None:
    raw = calendar_mail() + b"x" * 20_000 + b"\r\n"

    await send(house, raw)

    (row,) = await house.rows(DELIVERIES)
    assert row["body"] == raw


async def test_addresses_and_headers_in_utf8_are_taken(house: House) -> None:
    raw = calendar_mail().replace(b"Planned work", "Geplante Störung".encode(), 1)

    await send(house, raw, address(name="störung"), mail_options=["SMTPUTF8", "BODY=8BITMIME"])

    (row,) = await house.rows(DELIVERIES)
    assert row["body"] == raw
    assert row["headers"]["x-tocsin-envelope-to"] == "störung@tocsin.example"


async def test_a_message_with_an_empty_sender_is_taken(house: House) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=server_of(house).port, start_tls=False) as client:
        await client.sendmail("", [address()], calendar_mail())

    (row,) = await house.rows(DELIVERIES)
    assert "x-tocsin-envelope-from" not in row["headers"]


async def test_starttls_works_with_the_certificate_that_the_server_made(house: House) -> None:
    await send(house, calendar_mail(), start_tls=True, validate_certs=False)

    assert len(await house.rows(DELIVERIES)) == 1


async def test_where_tls_is_required_nothing_is_taken_without(database_url: str, tmp_path: Path) -> None:
    async with mail_intake(database_url, tmp_path, smtp_require_tls=True) as house:
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await send(house, calendar_mail())
        assert refused.value.code == 530
        await send(house, calendar_mail(), start_tls=True, validate_certs=False)
        assert len(await house.rows(DELIVERIES)) == 1


async def test_more_recipients_than_allowed_come_with_the_next_message(house: House) -> None:
    recipients = [address(name=f"n{number}") for number in range(21)]

    refused, _ = await send(house, calendar_mail(), *recipients)

    assert [answer.code for answer in refused.values()] == [452]


async def test_connections_over_the_limit_are_sent_away_and_room_is_given_again(house: House) -> None:
    server = server_of(house)
    server.limits = Limits(size=10_000, per_peer=2)
    held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
    for reader, _ in held:
        assert (await reader.readline()).startswith(b"220")

    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    assert (await reader.readline()).startswith(b"421 4.7.0")
    assert await reader.read() == b""
    writer.close()

    for _, holder in held:
        holder.close()
        await holder.wait_closed()
    registry = house.service.platform.metrics.registry

    async def all_left() -> bool:
        return registry.get_sample_value("tocsin_smtp_connections") == 0

    await until(all_left)
    await send(house, calendar_mail())


async def test_a_client_that_says_nothing_is_sent_away(house: House) -> None:
    server = server_of(house)
    server.limits = Limits(size=10_000, idle=0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        assert (await reader.readline()).startswith(b"220")
        assert (await reader.readline()).startswith(b"421 4.4.2")
    finally:
        writer.close()


async def test_a_stopping_server_commits_what_is_under_way_and_sends_the_others_away(house: House) -> None:
    server = server_of(house)
    idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", server.port)
    assert (await idle_reader.readline()).startswith(b"220")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    assert (await reader.readline()).startswith(b"220")
    for command in (b"HELO me", b"MAIL FROM:<a@b.example>", b"RCPT TO:<%s>" % address().encode(), b"DATA"):
        writer.write(command + b"\r\n")
        assert (await reader.readline())[:1] in b"23"
    writer.write(calendar_mail())
    await writer.drain()

    stopping = asyncio.create_task(server.stop())
    assert (await idle_reader.readline()).startswith(b"421 4.3.2")
    writer.write(b"\r\n.\r\n")
    assert (await reader.readline()).startswith(b"250")
    await asyncio.wait_for(stopping, 60)

    assert len(await house.rows(DELIVERIES)) == 1
    for one in (idle_writer, writer):
        one.close()


async def test_readiness_and_metrics_speak_of_the_mail_server(house: House) -> None:
    await send(house, calendar_mail())

    ready = (await house.client.get("/readyz")).json()
    metrics = (await house.client.get("/metrics")).text

    assert ready["checks"]["smtp"] == "ok"
    assert 'tocsin_mail_received_total{outcome="taken",transport="smtp"} 1.0' in metrics
    assert "tocsin_smtp_connections" in metrics


async def test_without_a_port_there_is_no_mail_server(database_url: str, tmp_path: Path) -> None:
    async with mail_intake(database_url, tmp_path, smtp_port=None) as house:
        assert "smtp" not in {part.name for part in house.service.components}


async def test_a_sender_over_http_cannot_vouch_for_himself(house: House) -> None:
    forged = {"X-Tocsin-Authentication-Results": "x; dmarc=pass", "X-Tocsin-Mail-Transport": "sendgrid"}
    await house.client.post(f"/v1/hooks/mail/{PROVIDERS}", content=calendar_mail(), headers=forged)

    (row,) = await house.rows(DELIVERIES)
    assert not [name for name in row["headers"] if name.startswith("x-tocsin")]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_broken_messages_are_kept_and_never_break_the_server(house: House, data: st.DataObject) -> None:
    raw = bytearray(calendar_mail(message_id=""))
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(raw) - 1))
        change = data.draw(st.binary(max_size=8))
        raw[at : at + data.draw(st.integers(0, 40))] = change.replace(b"\r", b"").replace(b"\n", b"")
    before = len(await house.rows(DELIVERIES))

    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=server_of(house).port, start_tls=False) as client:
        await client.sendmail("noc@carrier.example", [address()], bytes(raw))

    assert len(await house.rows(DELIVERIES)) == before + 1


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(st.binary(max_size=80), max_size=12))
async def test_nonsense_in_the_dialogue_never_breaks_the_server(house: House, lines: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server_of(house).port)
    writer.write(b"EHLO me\r\n" + b"".join(line + b"\r\n" for line in lines) + b"QUIT\r\n")
    writer.write_eof()
    await asyncio.wait_for(reader.read(), 60)
    writer.close()

    await send(house, calendar_mail(message_id=""))
