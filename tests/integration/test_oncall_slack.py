"""By which Slack ids people act: what the configuration says at once, and what they say themselves once a code proved it."""

from libs.common.events.directory import PersonChanged
from tests.integration.oncall_support import Rig, rig
from tests.integration.test_oncall_contacts import code_sent, key_of

__all__ = ["rig"]

MINE = {"channel": "slack", "address": "U024BE7LH"}
CODE = "/v1/people/stefania/contacts/slack/verification"


async def told(rig: Rig) -> list[tuple[str, ...]]:
    """What the other services were told of Stefania's ids since the last time."""
    return [event.slack for event in await rig.emitted() if isinstance(event, PersonChanged) and event.id == "stefania"]


async def test_what_the_configuration_says_counts_at_once(rig: Rig) -> None:
    contact = "{sms: +15550100}"
    rig.rewrite("people.yaml", contact, f"{contact}, {{slack: <@U024BE7LH>}}, {{slack: C024BE91L}}")
    await rig.watcher.take()
    assert await told(rig) == [("U024BE7LH",)]
    rig.rewrite("people.yaml", ", {slack: <@U024BE7LH>}", "")
    await rig.watcher.take()
    assert await told(rig) == [()]


async def test_what_somebody_says_themselves_counts_once_a_code_proved_it_and_as_long_as_they_say_it(rig: Rig) -> None:
    own = await key_of(rig, "stefanias-key", person="stefania")
    assert (await rig.http.post("/v1/own/contacts", json=MINE, headers=own)).status_code == 201
    assert await told(rig) == []
    assert (await rig.http.post(CODE, headers=own)).status_code == 202
    given = await rig.http.post(f"{CODE}/confirm", json={"code": await code_sent(rig)}, headers=own)
    assert given.status_code == 200, given.text
    assert await told(rig) == [("U024BE7LH",)]
    gone = await rig.http.delete("/v1/own", headers=own)
    assert gone.status_code < 300, gone.text
    assert await told(rig) == [()]
