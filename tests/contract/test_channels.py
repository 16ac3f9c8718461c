"""What every channel keeps, each against its provider's own protocol on this machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from libs.common.errors import Unavailable
from services.notifier.channels.base import Absent, Accepted, Channel, GiveUp, Outgoing, Retry, Unknowable
from services.notifier.channels.helpdesk import HelpdeskName
from services.notifier.channels.local import LocalChannel
from services.notifier.channels.slack import SlackChannel
from services.notifier.channels.smtp import SmtpChannel, Submission
from services.notifier.channels.twilio import Account
from services.notifier.channels.twilio_sms import TwilioSms
from services.notifier.channels.twilio_voice import Calling, TwilioVoice
from tests.support import fake_slack
from tests.support.fake_helpdesks import HELPDESKS, running_helpdesk
from tests.support.fake_helpdesks import Refusal as Unwilling
from tests.support.fake_slack import running_slack
from tests.support.fake_twilio import ACCOUNT, TOKEN, FakeTwilio, Refusal, running_twilio
from tests.support.smtp import running_smtp

TIMEOUT = timedelta(seconds=60)
"""What no answer here takes, however busy the machine is."""
HURRY = timedelta(seconds=3)
"""For a provider that is made to say nothing."""
SILENCE_SECONDS = 120.0


@dataclass
class Rig:
    """A channel, and how its provider can be made to behave."""

    channel: Channel
    message: Outgoing
    taken: Callable[[], int]
    """How many messages the provider has for good."""
    outage: Callable[[], None]
    refuse: Callable[[], None] | None
    stall: Callable[[], None] | None
    """Take the next message and say nothing."""
    closes_window: bool
    """Whether a message whose answer was lost can be found, or repeated without a second effect."""
    told_apart: bool = True
    """Whether the provider shows what a message said, or carried; else one is known by the ids of all others alone."""


class MemoryShelf:
    """The local outbox's promise, kept in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.away = False

    async def put(self, channel: str, message: Outgoing) -> str:
        if self.away:
            raise Unavailable("the database is away")
        return self.kept.setdefault(message.key, f"{channel}-{len(self.kept)}")

    async def find(self, key: str) -> str | None:
        if self.away:
            raise Unavailable("the database is away")
        return self.kept.get(key)


def message(channel: str, address: str) -> Outgoing:
    return Outgoing(
        key=str(UUID(int=7)),
        address=address,
        name="Rafael",
        headline="[#12] Checkout is down - P1 page",
        text=f"P1 #12 Checkout is down. Reply ACK 12. ({channel})",
        html="<p>P1 #12</p>",
        thread="incident-12",
        at=datetime(2026, 11, 24, 14, 0, tzinfo=UTC),
    )


async def local_rig(_stack: AsyncExitStack, _timeout: timedelta) -> Rig:
    shelf = MemoryShelf()
    return Rig(
        channel=LocalChannel("sms", shelf),
        message=message("sms", "+15005550010"),
        taken=lambda: len(shelf.kept),
        outage=lambda: setattr(shelf, "away", True),
        refuse=None,
        stall=None,
        closes_window=True,
    )


def twilio_account(fake: FakeTwilio, timeout: timedelta = TIMEOUT) -> Account:
    """The account that the double knows."""
    return Account(ACCOUNT, ACCOUNT, TOKEN, fake.url, timeout)


async def voice_rig(stack: AsyncExitStack, timeout: timedelta) -> Rig:
    fake = await stack.enter_async_context(running_twilio())
    return Rig(
        channel=TwilioVoice(twilio_account(fake, timeout), Calling("+15005550006")),
        message=message("voice", "+15005550010"),
        taken=lambda: len(fake.calls),
        outage=lambda: fake.refusals.append(Refusal(503, 20503, "Service unavailable")),
        refuse=lambda: fake.refusals.append(Refusal(400, 21211, "Invalid 'To' Phone Number")),
        stall=lambda: setattr(fake, "delay", SILENCE_SECONDS),
        closes_window=True,
        told_apart=False,
    )


async def twilio_rig(stack: AsyncExitStack, timeout: timedelta) -> Rig:
    fake = await stack.enter_async_context(running_twilio())
    channel = TwilioSms(twilio_account(fake, timeout), from_="+15005550006")
    return Rig(
        channel=channel,
        message=message("sms", "+15005550010"),
        taken=lambda: len(fake.messages),
        outage=lambda: fake.refusals.append(Refusal(503, 20503, "Service unavailable")),
        refuse=lambda: fake.refusals.append(Refusal(400, 21211, "Invalid 'To' Phone Number")),
        stall=lambda: setattr(fake, "delay", SILENCE_SECONDS),
        closes_window=True,
    )


async def smtp_rig(stack: AsyncExitStack, timeout: timedelta) -> Rig:
    mail = await stack.enter_async_context(running_smtp())
    where = Submission("127.0.0.1", mail.port, "none", "tocsin@example.com", timeout=timeout)
    return Rig(
        channel=SmtpChannel(where),
        message=message("email", "rafael@example.com"),
        taken=lambda: len(mail.mails),
        outage=lambda: mail.refuse_rcpt.append("451 4.3.0 try again later"),
        refuse=lambda: mail.refuse_rcpt.append("550 5.1.1 no such user"),
        stall=lambda: setattr(mail, "stall", SILENCE_SECONDS),
        closes_window=False,
    )


async def slack_rig(stack: AsyncExitStack, timeout: timedelta) -> Rig:
    fake = await stack.enter_async_context(running_slack())
    channel = SlackChannel(token=fake_slack.TOKEN, api_url=f"{fake.url}/api/", timeout=timeout)
    return Rig(
        channel=channel,
        message=message("slack", fake_slack.RAFAEL),
        taken=lambda: len(fake.messages),
        outage=lambda: fake.refusals.append(fake_slack.Refusal("service_unavailable", 503)),
        refuse=fake.members.clear,
        stall=lambda: setattr(fake, "delay", SILENCE_SECONDS),
        closes_window=True,
    )


async def helpdesk_rig(stack: AsyncExitStack, timeout: timedelta, name: HelpdeskName) -> Rig:
    fake, channel, ticket = await running_helpdesk(stack, name, timeout)
    return Rig(
        channel=channel,
        message=message(f"ticket:{name}", ticket),
        taken=fake.taken,
        outage=lambda: fake.refusals.append(Unwilling(503)),
        refuse=fake.tickets.clear,
        stall=lambda: setattr(fake, "delay", SILENCE_SECONDS),
        closes_window=True,
    )


RIGS: dict[str, Callable[[AsyncExitStack, timedelta], Awaitable[Rig]]] = {
    "local": local_rig,
    "twilio": twilio_rig,
    "voice": voice_rig,
    "smtp": smtp_rig,
    "slack": slack_rig,
    **{name: partial(helpdesk_rig, name=name) for name in HELPDESKS},
}


@asynccontextmanager
async def made_rig(name: str, timeout: timedelta) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as stack:
        made = await RIGS[name](stack, timeout)
        try:
            yield made
        finally:
            await made.channel.close()


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with made_rig(request.param, TIMEOUT) as made:
        yield made


@pytest.fixture(params=RIGS)
async def hurried_rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with made_rig(request.param, HURRY) as made:
        yield made


async def test_what_the_provider_took_is_accepted_with_its_id(rig: Rig) -> None:
    outcome = await rig.channel.send(rig.message)
    assert isinstance(outcome, Accepted)
    assert outcome.provider_id
    assert rig.taken() == 1


async def test_an_outage_is_worth_another_try_that_then_succeeds(rig: Rig) -> None:
    rig.outage()
    outcome = await rig.channel.send(rig.message)
    assert isinstance(outcome, Retry)
    assert not outcome.unsure
    assert outcome.detail
    assert rig.taken() == 0
    if rig.channel.provider != "local":
        assert isinstance(await rig.channel.send(rig.message), Accepted)


async def test_an_address_that_does_not_exist_is_given_up(rig: Rig) -> None:
    if rig.refuse is None:  # the local outbox takes every address
        assert rig.channel.provider == "local"
        return
    rig.refuse()
    outcome = await rig.channel.send(rig.message)
    assert isinstance(outcome, GiveUp)
    assert outcome.reason == "invalid_address"
    assert rig.taken() == 0


async def test_no_answer_in_time_is_a_retry_that_must_look_first(hurried_rig: Rig) -> None:
    if hurried_rig.stall is None:  # the local outbox answers with its transaction
        assert hurried_rig.channel.provider == "local"
        return
    hurried_rig.stall()
    outcome = await hurried_rig.channel.send(hurried_rig.message)
    assert isinstance(outcome, Retry)
    assert outcome.reason == "timed_out"
    assert outcome.unsure


async def test_a_message_that_went_out_is_found_or_nobody_can_say(rig: Rig) -> None:
    sent = await rig.channel.send(rig.message)
    found = await rig.channel.lookup(rig.message, ())
    if rig.closes_window:
        assert isinstance(sent, Accepted)
        assert found == sent
    else:
        assert isinstance(found, Unknowable)
        assert not found.passing


async def test_a_message_that_never_went_out_is_not_found(rig: Rig) -> None:
    sent = await rig.channel.send(rig.message)
    assert isinstance(sent, Accepted)
    other = replace(rig.message, key=str(UUID(int=8)), text="P1 #13 Search is down. Reply ACK 13.")
    found = await rig.channel.lookup(other, () if rig.told_apart else {sent.provider_id})
    assert isinstance(found, Absent if rig.closes_window else Unknowable)


async def test_a_lookup_that_cannot_ask_says_so(rig: Rig) -> None:
    rig.outage()
    found = await rig.channel.lookup(rig.message, ())
    assert isinstance(found, Unknowable)
    assert found.passing is rig.closes_window


async def test_many_messages_go_out_beside_each_other(rig: Rig) -> None:
    messages = [replace(rig.message, key=str(UUID(int=n)), text=f"P1 #{n}") for n in range(20)]
    outcomes = await asyncio.gather(*(rig.channel.send(one) for one in messages))
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 20
    assert rig.taken() == 20
