"""What people do with an app in Slack opens nothing in intake, and whoever set its address says where it belongs."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.unit.intake.support import read

PRESS = urlencode({"payload": json.dumps({"type": "block_actions", "user": {"id": "U1"}, "actions": []})})
COMMAND = urlencode({"command": "/tocsin", "text": "ack 12", "user_id": "U1"})
FORM = {"content_type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("body", "headers", "reason", "where"),
    [
        (PRESS, FORM, "no-news", "/v1/callbacks/slack/interactions"),
        (COMMAND, FORM, "no-news", "/v1/callbacks/slack/commands"),
        ('{"type": "url_verification", "challenge": "c"}', {}, "handshake", "/v1/callbacks/slack/events"),
    ],
)
def test_what_belongs_to_the_notifier_is_sent_there(
    body: str, headers: dict[str, Any], reason: str, where: str
) -> None:
    found = read("slack", body.encode(), **headers)
    [ignored] = found.ignored
    assert (ignored.reason, found.triggers) == (reason, ())
    assert where in ignored.detail
