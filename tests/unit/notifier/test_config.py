"""The shipped channels, and the rules of ``channels.yaml``."""

from pathlib import Path

import pytest

from libs.common.config import load_tree
from libs.common.errors import Misconfigured
from services.notifier.channels.base import Outgoing
from services.notifier.channels.book import ChannelBook
from services.notifier.config import FILE, build
from services.notifier.config_base import Surroundings
from services.notifier.domain.plan import ChannelFacts

SECRETS = {"SID": "AC1", "TOKEN": "t", "OLD": "o", "KEY": "k", "SECRET": "s", "SHARED": "h"}
TWILIO = """
channels:
  - id: sms
    name: Text messages
    provider: twilio
    account_sid: {env: SID}
    auth_token: {env: TOKEN}
    from: 0015005550006
"""


class Shelf:
    """A local outbox that nothing is put into."""

    async def put(self, channel: str, message: Outgoing) -> str:
        raise AssertionError(f"nothing is sent here: {channel} {message}")

    async def find(self, key: str) -> str | None:
        raise AssertionError(f"nothing is looked for here: {key}")


def book(folder: Path, text: str | None = None) -> ChannelBook:
    if text is not None:
        (folder / FILE).write_text(text)
    return ChannelBook(build(load_tree(folder, [FILE], SECRETS), Surroundings(Shelf(), "https://tocsin.example")))


def test_the_shipped_channels_let_nothing_leave_the_house() -> None:
    facts = book(Path("deploy/config")).facts()
    assert {name: one.provider for name, one in facts.items()} == {
        "sms": "local",
        "voice": "local",
        "email": "local",
        "slack": "local",
        "ticket:helpdesk": "local",
    }
    assert "twilio" in facts["sms"].provider_names & facts["voice"].provider_names


def test_twilio_is_its_own_incident_without_being_told_so(tmp_path: Path) -> None:
    assert book(tmp_path, TWILIO).facts() == {"sms": ChannelFacts("twilio", frozenset({"twilio"}))}


def test_callbacks_are_verified_by_every_secret_of_the_account(tmp_path: Path) -> None:
    rotating = f"{TWILIO}    old_auth_token: {{env: OLD}}\n    shared_keys: {{key_1: {{env: SHARED}}}}\n"
    [webhooks] = book(tmp_path, rotating).webhooks("twilio")
    assert webhooks.tokens == ("t", "o")
    assert webhooks.shared_keys == {"key_1": "h"}


SLACK = """
channels:
  - id: slack
    name: Slack
    provider: slack
    token: {env: TOKEN}
    signing_secret: {env: SECRET}
"""


def test_slack_is_its_own_incident_and_signs_with_the_old_secret_too(tmp_path: Path) -> None:
    rotating = book(tmp_path, f"{SLACK}    old_signing_secret: {{env: OLD}}\n")
    assert rotating.facts() == {"slack": ChannelFacts("slack", frozenset({"slack"}))}
    assert [one.tokens for one in rotating.webhooks("slack")] == [("s", "o")]


def test_without_what_signs_its_posts_slack_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="signing_secret"):
        book(tmp_path, SLACK.replace("    signing_secret: {env: SECRET}\n", ""))
    with pytest.raises(Misconfigured, match="NOSUCH is not set"):
        book(tmp_path, SLACK.replace("env: SECRET", "env: NOSUCH"))


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("    messaging_service_sid: {env: SID}\n", "give either from or messaging_service_sid"),
        ("    api_key_sid: {env: KEY}\n", "api_key_sid and api_key_secret belong together"),
        ("    timeout: 120\n", "less than or equal to 50"),
        ("    auth-token: x\n", "did you mean auth_token?"),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_rule(tmp_path: Path, line: str, rule: str) -> None:
    with pytest.raises(Misconfigured, match=r"channels\.yaml:\d+: ") as raised:
        book(tmp_path, TWILIO + line)
    assert rule in raised.value.detail


def test_a_secret_is_a_reference_and_never_a_value(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        book(tmp_path, TWILIO.replace("{env: TOKEN}", "0123456789abcdef"))


CALLS = """
channels:
  - id: voice
    name: Phone calls
    provider: twilio
    account_sid: {env: SID}
    auth_token: {env: TOKEN}
    from: 0015005550006
    language: de-DE
"""


def test_calls_have_a_number_a_language_and_the_account_s_secrets(tmp_path: Path) -> None:
    made = book(tmp_path, CALLS)
    assert made.facts() == {"voice": ChannelFacts("twilio", frozenset({"twilio"}))}
    assert made.language("voice") == "de-DE"
    assert made.language("sms") == "en-US"
    assert [one.tokens for one in made.webhooks("twilio")] == [("t",)]


@pytest.mark.parametrize(
    ("was", "now", "rule"),
    [
        ("from: 0015005550006", "from: Tocsin", "must be a number in international form"),
        ("from: 0015005550006", "messaging_service_sid: {env: SID}", "messaging_service_sid"),
        ("language: de-DE", "language: German!", "language"),
        ("language: de-DE", "ring: 3", "greater than or equal to 5"),
        ("language: de-DE", "api_key_sid: {env: KEY}", "api_key_sid and api_key_secret belong together"),
        ("id: voice", "id: email", "email"),
    ],
)
def test_calls_that_could_not_be_made_are_refused_with_the_rule(tmp_path: Path, was: str, now: str, rule: str) -> None:
    assert was in CALLS
    with pytest.raises(Misconfigured, match=r"channels\.yaml") as raised:
        book(tmp_path, CALLS.replace(was, now))
    assert rule in raised.value.detail


TICKETS = """
channels:
  - {id: ticket:desk, name: Z, provider: zendesk, url: "https://a.zendesk.com/", username: {env: SID}, token: {env: TOKEN}}
  - {id: ticket:jsm, name: J, provider: jira, url: "https://a.atlassian.net", token: {env: TOKEN}}
  - {id: ticket:fresh, name: F, provider: freshdesk, url: "http://127.0.0.1:8080", token: {env: TOKEN}}
  - {id: ticket:now, name: S, provider: servicenow, url: "https://a.service-now.com", token: {env: TOKEN}}
  - {id: ticket:oauth, name: S, provider: servicenow, url: "https://a.service-now.com", client_id: {env: SID}, token: {env: TOKEN}}
"""


def test_each_integration_has_its_own_helpdesk(tmp_path: Path) -> None:
    assert book(tmp_path, TICKETS).facts() == {
        "ticket:desk": ChannelFacts("zendesk", frozenset({"zendesk"})),
        "ticket:jsm": ChannelFacts("jira", frozenset({"jira", "atlassian"})),
        "ticket:fresh": ChannelFacts("freshdesk", frozenset({"freshdesk"})),
        "ticket:now": ChannelFacts("servicenow", frozenset({"servicenow"})),
        "ticket:oauth": ChannelFacts("servicenow", frozenset({"servicenow"})),
    }


@pytest.mark.parametrize(
    ("was", "now", "rule"),
    [
        ("https://a.zendesk.com/", "http://a.zendesk.com", "must be the https address"),
        ("https://a.zendesk.com/", "https://me:pw@a.zendesk.com", "must be the https address"),
        ("https://a.zendesk.com/", "file:///etc/passwd", "must be the https address"),
        ("ticket:jsm", "ticket:desk", "stands twice"),
        ("ticket:jsm", "ticket", "ticket"),
        ("id: ticket:desk", "id: sms", "ticket"),
        ("client_id: {env: SID}, ", "password: {env: SID}, ", "password is for an OAuth client"),
        ("client_id: {env: SID}, ", "client_id: {env: SID}, password: {env: SID}, ", "belong together"),
        ("client_id: {env: SID}, ", "client_id: {env: SID}, username: {env: SID}, ", "belong together"),
        ("provider: freshdesk, ", "provider: freshdesk, username: {env: SID}, ", "username"),
    ],
)
def test_a_helpdesk_that_could_not_work_is_refused(tmp_path: Path, was: str, now: str, rule: str) -> None:
    assert was in TICKETS
    with pytest.raises(Misconfigured, match=r"channels\.yaml") as raised:
        book(tmp_path, TICKETS.replace(was, now))
    assert rule in raised.value.detail
