"""Comments on tickets: each once, in order, patiently, and never in the way of a page."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from libs.common.events.deliveries import DeliveryExhausted, DeliveryFailed, DeliverySent
from libs.common.events.notifications import NotificationRequested
from services.notifier.timers import COMMENTS, LEASE
from tests.integration.notifier_desk import LOCAL, Desk, running_desk
from tests.integration.test_notifier_crash import crash_after_the_answer
from tests.support.fake_api import running
from tests.support.fake_helpdesks import AGENT, TOKEN, FakeZendesk, Refusal
from tests.support.sample import until
from tests.unit.notifier.requests import incident, person, request, ticket

ZENDESK = (
    LOCAL
    + """
  - id: ticket:zendesk
    name: Comments in Zendesk
    provider: zendesk
    url: {url}
    username: {{env: AGENT}}
    token: {{env: TOKEN}}
    timeout: 30
"""
)


@pytest.fixture
async def zendesk() -> AsyncIterator[FakeZendesk]:
    async with running(FakeZendesk()) as fake:
        yield fake


@pytest.fixture
async def desk(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zendesk: FakeZendesk
) -> AsyncIterator[Desk]:
    monkeypatch.setenv("AGENT", AGENT)
    monkeypatch.setenv("TOKEN", TOKEN)
    config = LOCAL + ZENDESK.removeprefix(LOCAL).format(url=zendesk.url)
    async with running_desk(database_url, tmp_path, config, replicas=2) as made:
        yield made


def update(words: str, number: int = 1, to: str = "20418") -> NotificationRequested:
    return request("update", ticket(to), number=number, words=words)


async def test_a_comment_says_what_happened_and_nothing_of_the_house(desk: Desk, zendesk: FakeZendesk) -> None:
    await desk.publish(update("We found the cause."))
    assert zendesk.texts() == ["Incident 12: We found the cause.\n\nhttps://status.example"]
    [sent] = desk.told(DeliverySent)
    assert (sent.channel, sent.provider, sent.address) == ("ticket:zendesk", "zendesk", "20418")
    assert sent.provider_id == zendesk.comments[0].id
    [attempt] = await desk.attempts()
    assert zendesk.comments[0].text.endswith(f"Tocsin reference {attempt.id}")


async def test_the_end_is_told_with_its_verdict(desk: Desk, zendesk: FakeZendesk) -> None:
    over = incident(state="resolved", verdict="false_positive", resolved_at=incident().opened_at)
    await desk.publish(request("closing", ticket(), incident=over))
    assert zendesk.texts() == ["Incident 12: This was a false alarm. Nothing more to do.\n\nhttps://status.example"]


async def test_what_is_for_the_team_is_a_note_for_agents(desk: Desk, zendesk: FakeZendesk) -> None:
    await desk.publish(request("update", ticket(), words="Looking at the queue.", internal=True))
    assert [comment.public for comment in zendesk.comments] == [False]


async def test_the_same_fact_is_one_comment_however_often_it_is_told(desk: Desk, zendesk: FakeZendesk) -> None:
    asked = update("We found the cause.")
    again = request("update", ticket(), number=2, slot=asked.slot, words="We found the cause.")
    await desk.publish(asked, asked, again)
    assert len(zendesk.comments) == 1


async def test_a_crash_after_the_comment_posts_no_second_one(desk: Desk, zendesk: FakeZendesk) -> None:
    await crash_after_the_answer(desk, "update", ticket())
    assert len(zendesk.comments) == 1
    desk.clock.advance(LEASE)
    await desk.settle()
    assert len(zendesk.comments) == 1
    assert [sent.provider_id for sent in desk.told(DeliverySent)] == [zendesk.comments[0].id]


async def test_an_answer_that_was_lost_posts_no_second_comment(desk: Desk, zendesk: FakeZendesk) -> None:
    zendesk.lose_answers = 1
    await desk.publish(update("We found the cause."))
    await desk.forward(minutes=1)
    assert len(zendesk.comments) == 1
    assert len(desk.told(DeliverySent)) == 1


async def test_a_limit_is_waited_for_and_those_behind_it_come_after(desk: Desk, zendesk: FakeZendesk) -> None:
    zendesk.refusals += [Refusal(429, 90), Refusal(503)]
    await desk.publish(update("First."), update("Second.", 2))
    assert zendesk.comments == []
    await desk.forward(seconds=89)
    assert zendesk.comments == []
    await desk.forward(minutes=2)
    assert [text.splitlines()[0] for text in zendesk.texts()] == ["Incident 12: First.", "Incident 12: Second."]


async def test_another_ticket_does_not_wait(desk: Desk, zendesk: FakeZendesk) -> None:
    zendesk.tickets.add("2")
    zendesk.refusals.append(Refusal(429, 90))
    await desk.publish(update("First."))
    await desk.publish(update("Other.", 2, to="2"))
    assert [comment.ticket for comment in zendesk.comments] == ["2"]


async def test_a_comment_is_tried_for_hours_and_then_given_up_with_its_reason(desk: Desk, zendesk: FakeZendesk) -> None:
    zendesk.refusals += [Refusal(500)] * 8
    await desk.publish(update("We found the cause."))
    for wait in (timedelta(minutes=110), timedelta(minutes=11)):
        assert desk.told(DeliveryFailed)[-1].retry_at is not None
        desk.clock.advance(wait)
        await desk.settle()
    assert desk.told(DeliveryFailed)[-1].retry_at is None
    assert zendesk.comments == []


async def test_a_ticket_that_is_gone_is_told_once_and_nobody_is_said_to_be_unreachable(
    desk: Desk, zendesk: FakeZendesk
) -> None:
    zendesk.tickets.clear()
    await desk.publish(update("We found the cause."))
    [failed] = desk.told(DeliveryFailed)
    assert (failed.reason, failed.detail) == ("invalid_address", "zendesk 404: Zendesk says 404")
    assert desk.told(DeliveryExhausted) == []


async def test_where_the_incident_is_the_helpdesk_itself_no_comment_is_tried(desk: Desk, zendesk: FakeZendesk) -> None:
    await desk.publish(request("update", ticket(), incident=incident(provider="Zendesk"), words="It is down."))
    assert zendesk.requests == 0
    assert [failed.reason for failed in desk.told(DeliveryFailed)] == ["channel_is_the_incident"]


async def test_a_helpdesk_that_hangs_keeps_no_page_waiting(desk: Desk, zendesk: FakeZendesk) -> None:
    zendesk.answering.clear()
    tickets = [str(number) for number in range(1, 40)]
    zendesk.tickets.update(tickets)
    await desk.hand_in(*(update("News.", number, to=one) for number, one in enumerate(tickets, 10)))

    async def busy() -> bool:
        return zendesk.busy >= COMMENTS

    async def paged() -> bool:
        return any(one.purpose == "page" and one.state == "sent" for one in await desk.attempts())

    await until(busy)
    await desk.hand_in(request("page", person()))
    await until(paged)
    assert len([one for one in await desk.attempts() if one.purpose == "update" and one.state != "sent"]) > COMMENTS
    zendesk.answering.set()
    await desk.settle()
    assert len(zendesk.comments) == len(tickets)
    assert zendesk.most <= 2 * COMMENTS, "two replicas, each with so many comments at once"
