"""Comments in ServiceNow by OAuth: a token is asked for, kept, and renewed once where it is no longer taken."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from services.notifier.channels.base import Accepted, GiveUp, Retry, Unknowable
from services.notifier.channels.helpdesk import Account
from services.notifier.channels.servicenow import Client, ServiceNow
from tests.contract.test_channels import message
from tests.support.fake_api import running
from tests.support.fake_helpdesks import SYS_ID, FakeServiceNow, Refusal

ALONE = Client("client", "s3cret &+ü")
FOR_A_USER = replace(ALONE, username="tocsin", password="p w")
GRANTS = (
    {"grant_type": "client_credentials", "client_id": "client", "client_secret": "s3cret &+ü"},
    {
        "grant_type": "password",
        "client_id": "client",
        "client_secret": "s3cret &+ü",
        "username": "tocsin",
        "password": "p w",
    },
)
ONE = message("servicenow", SYS_ID)


async def stage(
    stack: AsyncExitStack, client: Client = ALONE, grants: tuple[Mapping[str, str], ...] = GRANTS, **changes: Any
) -> tuple[FakeServiceNow, ServiceNow]:
    """An instance that takes nothing but tokens, and the channel to it."""
    fake = cast("FakeServiceNow", await stack.enter_async_context(running(FakeServiceNow(grants=grants, **changes))))
    account = Account(url=fake.url, token=client.secret, username=client.username, timeout=timedelta(seconds=60))
    channel = ServiceNow(account, client=client)
    stack.push_async_callback(channel.close)
    return fake, channel


@pytest.mark.parametrize(("client", "grant"), list(zip((ALONE, FOR_A_USER), GRANTS, strict=True)))
async def test_one_token_is_asked_for_by_its_grant_and_serves_every_request(
    client: Client, grant: Mapping[str, str]
) -> None:
    async with AsyncExitStack() as stack:
        fake, channel = await stage(stack, client, (grant,))
        sent = [replace(ONE, key=str(UUID(int=number))) for number in range(5)]
        outcomes = await asyncio.gather(*map(channel.send, sent))
        assert isinstance(await channel.lookup(sent[3], ()), Accepted)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert (fake.granted, len(fake.comments)) == (1, 5)


@pytest.mark.parametrize(
    ("expires_in", "granted"), [(1799, 1), ("1799", 1), (None, 1), ("soon", 1), (10**400, 1), (0, 3), (-5, 3), (29, 3)]
)
async def test_a_token_is_used_until_it_runs_out(expires_in: Any, granted: int) -> None:
    async with AsyncExitStack() as stack:
        fake, channel = await stage(stack, expires_in=expires_in)
        for number in range(3):
            assert isinstance(await channel.send(replace(ONE, key=str(UUID(int=number)))), Accepted)
    assert fake.granted == granted


async def test_a_token_that_is_no_longer_taken_is_renewed_once_also_by_many_at_a_time() -> None:
    async with AsyncExitStack() as stack:
        fake, channel = await stage(stack)
        await channel.send(ONE)
        fake.tokens.clear()
        sent = [replace(ONE, key=str(UUID(int=number))) for number in range(20, 25)]
        outcomes = await asyncio.gather(*map(channel.send, sent))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert (fake.granted, len(fake.comments)) == (2, 6)


async def test_where_every_token_is_refused_it_is_given_up_after_the_second() -> None:
    async with AsyncExitStack() as stack:
        fake, channel = await stage(stack)
        fake.refusals = [Refusal(401)] * 2
        outcome = await channel.send(ONE)
    assert isinstance(outcome, GiveUp)
    assert (outcome.reason, fake.granted, fake.comments) == ("rejected", 2, [])


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        (Refusal(401), GiveUp("rejected")),
        (Refusal(404), GiveUp("rejected")),
        (Refusal(302), GiveUp("rejected")),
        (Refusal(429, 7), Retry("provider_throttled", after=timedelta(seconds=7))),
        (Refusal(500), Retry("provider_error")),
        (Refusal(503), Retry("provider_error")),
    ],
)
async def test_where_no_token_is_to_be_had_nothing_was_posted_for_sure(
    refusal: Refusal, outcome: Retry | GiveUp
) -> None:
    async with AsyncExitStack() as stack:
        fake, channel = await stage(stack, token_refusals=[refusal])
        found = await channel.send(ONE)
        assert isinstance(found, Retry | GiveUp)
        assert replace(found, detail="") == outcome
        fake.token_refusals = [refusal]
        looked = await channel.lookup(ONE, ())
        assert isinstance(looked, Unknowable)
        assert looked.passing is isinstance(outcome, Retry)
        assert isinstance(await channel.send(ONE), Accepted), "once it is to be had again"
    assert len(fake.comments) == 1


async def test_wrong_credentials_are_given_up_and_never_stand_in_what_is_written_down() -> None:
    async with AsyncExitStack() as stack:
        _, channel = await stage(stack, replace(ALONE, secret="another-secret"))
        outcome = await channel.send(ONE)
    assert isinstance(outcome, GiveUp)
    assert outcome.reason == "rejected"
    assert "another-secret" not in outcome.detail


async def test_an_instance_that_is_away_or_answers_with_a_page_is_tried_again() -> None:
    async with AsyncExitStack() as stack:
        fake, channel = await stage(stack)
        fake.lose_answers = 1
        assert isinstance(await channel.send(ONE), Retry)
    account = Account(url="http://127.0.0.1:1", token="x", timeout=timedelta(seconds=2))
    away = ServiceNow(account, client=ALONE)
    assert isinstance(await away.send(ONE), Retry)
    await away.close()
