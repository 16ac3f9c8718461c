"""What is peculiar to comments on tickets: whom they are for, how they are found again, and what each helpdesk's refusals mean."""

from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.notifier.channels.base import Absent, Accepted, GiveUp, Outcome, Retry, Unknowable
from services.notifier.channels.helpdesk import HelpdeskName, reference
from tests.contract.test_channels import message
from tests.support.fake_helpdesks import HELPDESKS, NUMBER, Refusal, running_helpdesk

NAMES = sorted(HELPDESKS)
EVERY = pytest.mark.parametrize("name", NAMES)


@EVERY
async def test_a_comment_is_public_and_one_for_the_team_is_not(name: HelpdeskName) -> None:
    async with AsyncExitStack() as stack:
        fake, channel, ticket = await running_helpdesk(stack, name)
        one = message(name, ticket)
        await channel.send(one)
        await channel.send(replace(one, key=str(UUID(int=8)), internal=True))
    assert [comment.public for comment in fake.comments] == [True, False]
    assert fake.texts() == [one.text, one.text]


@EVERY
async def test_where_nothing_is_to_be_public_every_comment_is_for_agents(name: HelpdeskName) -> None:
    async with AsyncExitStack() as stack:
        fake, channel, ticket = await running_helpdesk(stack, name, public=False)
        await channel.send(message(name, ticket))
    assert [comment.public for comment in fake.comments] == [False]


@EVERY
async def test_a_comment_says_what_was_written_in_any_script_and_with_signs_of_markup(name: HelpdeskName) -> None:
    async with AsyncExitStack() as stack:
        fake, channel, ticket = await running_helpdesk(stack, name)
        await channel.send(replace(message(name, ticket), text="Касса <b>& down</b>\n\nsecond line"))
    assert fake.texts() == ["Касса <b>& down</b>\n\nsecond line"]


@EVERY
async def test_a_comment_whose_answer_was_lost_is_found_again_among_many(name: HelpdeskName) -> None:
    async with AsyncExitStack() as stack:
        fake, channel, ticket = await running_helpdesk(stack, name)
        one = message(name, ticket)
        for number in range(120 if name == "freshdesk" else 20):  # Freshdesk shows the oldest first
            fake.post(ticket, f"Somebody else's words {number}", public=True)
        fake.lose_answers = 1
        outcome = await channel.send(one)
        assert isinstance(outcome, Retry)
        assert outcome.unsure
        for _ in range(20):
            fake.post(ticket, "Thank you!", public=True)
        found = await channel.lookup(one, ())
        assert isinstance(found, Accepted)
        assert await channel.lookup(replace(one, key=str(UUID(int=8))), ()) == Absent()
    assert sum(reference(one) in comment.text for comment in fake.comments) == 1


REFUSALS: list[tuple[Refusal, Outcome]] = [
    (Refusal(429, 7), Retry("provider_throttled", after=timedelta(seconds=7))),
    (Refusal(429), Retry("provider_throttled")),
    (Refusal(409), Retry("provider_throttled")),
    (Refusal(500), Retry("provider_error", unsure=True)),
    (Refusal(503, 30), Retry("provider_error", after=timedelta(seconds=30))),
    (Refusal(400), GiveUp("rejected")),
    (Refusal(403), GiveUp("rejected")),
    (Refusal(422), GiveUp("rejected")),
    (Refusal(302), GiveUp("rejected")),
    (Refusal(404), GiveUp("invalid_address")),
]


@EVERY
async def test_a_refusal_says_whether_it_passes(name: HelpdeskName) -> None:
    async with AsyncExitStack() as stack:
        fake, channel, ticket = await running_helpdesk(stack, name)
        for refusal, expected in REFUSALS:
            fake.refusals.append(refusal)
            outcome = await channel.send(message(name, ticket))
            assert not isinstance(outcome, Accepted)
            assert str(refusal.status) in outcome.detail
            assert replace(outcome, detail="") == expected
        assert fake.comments == []


@EVERY
async def test_wrong_credentials_are_not_tried_again_and_say_so(name: HelpdeskName) -> None:
    async with AsyncExitStack() as stack:
        _, channel, ticket = await running_helpdesk(stack, name, token="another")
        outcome = await channel.send(message(name, ticket))
        assert isinstance(outcome, GiveUp)
        assert (outcome.reason, "401" in outcome.detail) == ("rejected", True)
        found = await channel.lookup(message(name, ticket), ())
        assert isinstance(found, Unknowable)
        assert not found.passing


@EVERY
async def test_what_is_no_ticket_is_never_asked_for(name: HelpdeskName) -> None:
    async with AsyncExitStack() as stack:
        fake, channel, _ = await running_helpdesk(stack, name)
        for ticket in ("../users/1", "20418/comments", "HELP 418", "", "x?y=1"):
            outcome = await channel.send(message(name, ticket))
            assert isinstance(outcome, GiveUp)
            assert outcome.reason == "invalid_address"
        assert fake.requests == 0


async def test_zendesk_takes_no_comment_on_a_closed_ticket_and_says_why() -> None:
    async with AsyncExitStack() as stack:
        fake, channel, ticket = await running_helpdesk(stack, "zendesk")
        fake.closed.add(ticket)
        outcome = await channel.send(message("zendesk", ticket))
    assert outcome == GiveUp("rejected", "zendesk 422: Zendesk says 422")


async def test_a_record_of_servicenow_may_be_known_by_its_number() -> None:
    async with AsyncExitStack() as stack:
        fake, channel, ticket = await running_helpdesk(stack, "servicenow")
        outcome = await channel.send(message("servicenow", NUMBER))
        unknown = await channel.send(message("servicenow", "INC0000001"))
    assert isinstance(outcome, Accepted)
    assert [comment.ticket for comment in fake.comments] == [ticket]
    assert unknown == GiveUp("invalid_address", "servicenow has no record INC0000001")


async def test_a_ticket_of_freshservice_has_its_kind_before_its_number() -> None:
    async with AsyncExitStack() as stack:
        fake, channel, ticket = await running_helpdesk(stack, "freshdesk")
        assert isinstance(await channel.send(message("freshdesk", f"INC-{ticket}")), Accepted)
    assert [comment.ticket for comment in fake.comments] == [ticket]


@EVERY
async def test_a_token_alone_is_sent_as_its_helpdesk_wants_it(name: HelpdeskName) -> None:
    async with AsyncExitStack() as stack:
        fake, channel, ticket = await running_helpdesk(stack, name, username=None)
        await channel.send(message(name, ticket))
    expected = {"freshdesk": fake.basic("an-api-token", "X"), "servicenow": ""}.get(name, "Bearer an-api-token")
    assert fake.last_authorization == expected
