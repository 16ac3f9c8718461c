"""A world with four helpdesks: they post their tickets to Tocsin, and Tocsin comments on them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import yaml

from services.notifier.channels.helpdesk import HelpdeskName
from tests.support.fake_api import running
from tests.support.fake_helpdesks import AGENT, HELPDESKS, TOKEN, Comment, FakeHelpdesk
from tests.support.world import World

KEYS: Final = {name: f"{name[:4]}0002".ljust(32, "k") for name in HELPDESKS}


def ticket_environment() -> dict[str, str]:
    """The keys of the helpdesks' integrations and Tocsin's own account there, as the environment would bring them."""
    keys = {f"TOCSIN_KEY_{name.upper()}": key for name, key in KEYS.items()}
    return keys | {"TOCSIN_DESK_USER": AGENT, "TOCSIN_DESK_TOKEN": TOKEN}


@dataclass
class Helpdesks:
    """The four, and what their webhooks post of comments."""

    world: World
    fakes: dict[HelpdeskName, FakeHelpdesk]
    news: list[HelpdeskName] = field(default_factory=list)
    """Where somebody commented, ourselves included, and the webhook has not told yet."""

    async def post(self, name: HelpdeskName, body: Mapping[str, Any]) -> httpx.Response:
        """One webhook of a helpdesk."""
        return await self.world.send("intake", f"/v1/hooks/{name}/{KEYS[name]}", body)

    async def file(self, name: HelpdeskName) -> None:
        """A user files a P1."""
        assert (await self.post(name, filed(name))).status_code == 202
        await self.world.settle()

    async def solve(self, name: HelpdeskName) -> None:
        """An agent solves the ticket at the helpdesk."""
        assert (await self.post(name, solved(name))).status_code == 202
        await self.world.settle()

    async def echo(self) -> int:
        """Each helpdesk posts what it posts of a comment, until nothing is new; how many it posted."""
        posted = 0
        while self.news:
            await self.post(name := self.news.pop(0), commented(name))
            await self.world.settle()
            posted += 1
            assert posted < 50, "the comments never end"
        return posted


@asynccontextmanager
async def running_helpdesks(world: World) -> AsyncIterator[Helpdesks]:
    """Four helpdesks on free ports, in the configuration of a ``world`` that has not started yet."""
    async with AsyncExitStack() as stack:
        desks = Helpdesks(world, {})
        integrations, channels = [], []
        for name, (fake_type, _, _) in HELPDESKS.items():
            fake = await stack.enter_async_context(running(fake_type()))

            def heard(_: Comment, name: HelpdeskName = name) -> None:
                desks.news.append(name)

            fake.on_comment, desks.fakes[name] = heard, fake
            key = {"env": f"TOCSIN_KEY_{name.upper()}"}
            integrations.append({"id": name, "name": name.capitalize(), "source": name, "kind": "ticket", "key": key})
            account = {"url": fake.url, "token": {"env": "TOCSIN_DESK_TOKEN"}}
            if name != "freshdesk":
                account["username"] = {"env": "TOCSIN_DESK_USER"}
            channels.append({"id": f"ticket:{name}", "name": name, "provider": name, **account})
        add(world, "integrations", integrations)
        add(world, "channels", channels)
        yield desks


def add(world: World, noun: str, more: list[dict[str, Any]]) -> None:
    """Write more entries into a file of the configuration."""
    path = world.config / f"{noun}.yaml"
    tree = yaml.safe_load(path.read_text())
    tree[noun] += more
    path.write_text(yaml.safe_dump(tree, sort_keys=False))


def zendesk(status: str = "Open") -> dict[str, Any]:
    """What a trigger posts whose template says how the ticket is, and not what happened."""
    return {
        "ticket_id": "20418",
        "ticket_title": "Nobody can approve an invoice",
        "ticket_status": status,
        "ticket_priority": "Urgent",
    }


def jira(event: str, **more: Any) -> dict[str, Any]:
    """A webhook of an issue."""
    fields = {
        "summary": "Nobody can approve an invoice",
        "priority": {"name": "Highest"},
        "status": {"name": "Open", "statusCategory": {"key": "new"}},
    }
    if "changelog" in more:
        fields["status"] = {"name": "Done", "statusCategory": {"key": "done"}}
    issue = {"key": "HELP-418", "self": "https://acme.atlassian.example/rest/api/2/issue/1", "fields": fields}
    return {"webhookEvent": "jira:issue_updated", "issue_event_type_name": event, "issue": issue, **more}


def freshdesk(happened: str, status: str = "Open") -> dict[str, Any]:
    """A webhook of an automation rule."""
    ticket = {"ticket_id": "20418", "ticket_subject": "Nobody can approve", "ticket_priority": "Urgent"}
    return {"freshdesk_webhook": {**ticket, "triggered_event": happened, "ticket_status": status}}


def servicenow(operation: str, state: str = "2") -> dict[str, Any]:
    """What a business rule posts that runs at every change of the record."""
    sys_id = HELPDESKS["servicenow"][2]
    record = {"sys_id": sys_id, "number": "INC0020418", "priority": "1", "short_description": "Nobody can approve"}
    return {**record, "operation": operation, "state": state}


def filed(name: HelpdeskName) -> dict[str, Any]:
    """A P1 was filed."""
    return {
        "zendesk": zendesk(),
        "jira": jira("issue_created", webhookEvent="jira:issue_created"),
        "freshdesk": freshdesk("{ticket_action:created}"),
        "servicenow": servicenow("insert"),
    }[name]


def commented(name: HelpdeskName) -> dict[str, Any]:
    """Somebody commented on the P1, which is open as before."""
    return {
        "zendesk": zendesk(),
        "jira": jira("issue_commented", comment={"id": "900", "body": "Incident 1: …"}),
        "freshdesk": freshdesk("{note_type:public}"),
        "servicenow": servicenow("update"),
    }[name]


def solved(name: HelpdeskName) -> dict[str, Any]:
    """The ticket was solved at the helpdesk."""
    change = {"items": [{"field": "status", "fromString": "Open", "toString": "Done"}]}
    return {
        "zendesk": zendesk("Solved"),
        "jira": jira("issue_generic", changelog=change),
        "freshdesk": freshdesk("{status:{from:2,to:4}}", "Resolved"),
        "servicenow": servicenow("update", "6"),
    }[name]
