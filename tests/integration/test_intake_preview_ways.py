"""A body is tried out as it would come by each of the ways in, and what is shown is what then really comes of it."""

import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from services.intake.sources.registry import all_sources
from tests.integration.intake_support import CONFIG, NATIVE, OPERATOR, House, intake
from tests.integration.mail_support import OUTAGE, calendar_mail
from tests.integration.poller_support import INCIDENT, KEY, Desk, first_poll, now, polling
from tests.unit.intake.support import sample
from tests.unit.intake.test_notices_ics import calendar
from tests.unit.intake.test_series import STAMP, event

GENIE = "opsgeniekey1234" + "g" * 17
SECRET = "the-signing-secret"
MORE = """
  - {id: genie, name: Genie, source: opsgenie, key: {file: FOLDER/genie.key}}
  - {id: pages, name: Pages, source: pagerduty}
  - {id: post, name: Post, source: mail, kind: provider}
  - {id: errors, name: Errors, source: sentry, options: {verify: {scheme: sentry, secrets: [{file: FOLDER/new.secret}]}}}
  - {id: route, name: Route, source: mail, options: {verify: {scheme: mailgun, secrets: [{file: FOLDER/new.secret}]}}}
  - {id: alarms, name: Alarms, source: cloudwatch, options: {topics: ["arn:aws:sns:eu-west-1:123456789012:*"]}}
  - {id: nightly, name: Nightly invoices, source: heartbeat, options: {every: 10m, grace: 2m}}
"""
WEEKLY = event("SEQUENCE:2", STAMP)
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "genie.key").write_text(GENIE)
    (tmp_path / "new.secret").write_text(SECRET)
    (tmp_path / "integrations.yaml").write_text((CONFIG + MORE).replace("FOLDER", str(tmp_path)))
    async with intake(database_url, tmp_path) as made:
        yield made


async def tried(house: House, integration: str, path: str = "", **trial: Any) -> dict[str, Any]:
    body = {"path": path, **trial}
    response = await house.call("POST", f"/v1/integrations/{integration}/preview", OPERATOR, json=body)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def named(shown: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(trigger[name] for name in names) for trigger in shown["triggers"]]


async def kept(house: House) -> int:
    return len(await house.rows("SELECT 1 FROM deliveries UNION ALL SELECT 1 FROM quarantine"))


async def test_addresses_of_one_kind_need_no_kind_in_the_body(house: House) -> None:
    ticket = await tried(house, "monitoring", "/v1/tickets", body={"id": "7", "title": "Stuck", "priority": "P1"})
    assert named(ticket, "kind", "title") == [("ticket", "Stuck")]
    notice = await tried(house, "monitoring", "/v1/notices", body={"tool": "ziflow", "state": "down", "title": "Down"})
    assert named(notice, "kind", "tool") == [("tool", "ziflow")]
    other = await tried(house, "monitoring", "/v1/notices", body={"kind": "telemetry", "title": "x", "dedup_key": "x"})
    assert [problem["reason"] for problem in other["problems"]] == ["kind-not-allowed"]
    headers = {"Content-Type": "text/calendar"}
    planned = await tried(house, "monitoring", "/v1/maintenance", headers=headers, body=OUTAGE)
    assert named(planned, "kind", "status", "dedup_key") == [
        ("maintenance", "firing", "maintenance-4711@carrier.example")
    ]
    off = await tried(house, "monitoring", "/v1/maintenance/M-1", method="DELETE")
    assert named(off, "status", "dedup_key", "ending") == [("resolved", "M-1", "cancelled")]
    assert await kept(house) == 0


async def test_a_calendar_is_held_against_what_was_announced_before(house: House) -> None:
    headers = {"Authorization": f"Bearer {NATIVE}", "Content-Type": "text/calendar"}
    await house.client.post("/v1/maintenance", content=calendar(WEEKLY), headers=headers)
    before = await kept(house)
    for body in (calendar(event("SEQUENCE:1", STAMP)), calendar(event("SEQUENCE:3", STAMP), method="CANCEL")):
        shown = await tried(
            house, "monitoring", "/v1/maintenance", headers={"content-type": "text/calendar"}, body=body.decode()
        )
        assert await kept(house) == before
        told = len(await house.events())
        posted = (await house.client.post("/v1/maintenance", content=body, headers=headers)).json()
        before = await kept(house)
        assert named(shown, "status", "dedup_key") == [(t["status"], t["dedup_key"]) for t in posted["triggers"]]
        assert len(await house.events()) - told == len(shown["triggers"])
        assert [one["reason"] for one in shown["ignored"]] == [one["reason"] for one in posted.get("ignored", [])]


async def test_a_mail_is_read_from_the_form_that_a_mail_service_posts(house: House) -> None:
    raw = calendar_mail().decode()
    wanted = [("maintenance-4711@carrier.example", "firing")]
    assert named(await tried(house, "post", body=raw), "dedup_key", "status") == wanted
    mailgun = urlencode({"body-mime": raw, "sender": "noc@carrier.example", "recipient": "ops@tocsin.example"})
    parts = httpx.Request("POST", "http://x", files={"email": (None, raw), "SPF": (None, "pass")})
    multipart = parts.read().decode(), parts.headers["content-type"]
    for path, body, media in (
        ("/v1/mail/mailgun/mime", mailgun, FORM),
        ("", mailgun, FORM),
        ("/v1/mail/sendgrid", *multipart),
        ("", *multipart),
    ):
        shown = await tried(house, "post", path, headers={"Content-Type": media}, body=body)
        assert named(shown, "dedup_key", "status") == wanted
    lost = await tried(house, "post", "/v1/mail/sendgrid", headers={"Content-Type": FORM}, body="a=1")
    assert lost["quarantined"]


async def test_calls_of_the_drop_in_apis_do_what_their_address_says(house: House) -> None:
    change = await tried(house, "pages", "/v2/change/enqueue", body={"payload": {"summary": "Version 7"}})
    assert [one["reason"] for one in change["ignored"]] == ["change"]
    header = {"Authorization": f"GenieKey {GENIE}"}
    made = {"message": "Full", "alias": "srv/disk"}
    await house.client.post("/v2/alerts", json=made, headers=header)
    [alert] = (await house.client.get("/v2/alerts", headers=header)).json()["data"]
    for address in (f"/v2/alerts/{alert['id']}/close", "/v2/alerts/srv%2Fdisk/close?identifierType=alias"):
        closed = await tried(house, "genie", address, body={"user": "ada", "note": "Mended"})
        assert named(closed, "dedup_key", "status") == [("srv/disk", "resolved")]
        assert [(remark["by"], remark["note"]) for remark in closed["remarks"]] == [("ada", "Mended")]
    unknown = await tried(house, "genie", "/v2/alerts/no-such-id", method="DELETE")
    assert (unknown["triggers"], [one["reason"] for one in unknown["ignored"]]) == ([], ["no-news"])
    assert await house.rows("SELECT 1 FROM drop_in_alerts WHERE status <> 'open'") == []


async def test_a_ping_shows_what_it_would_resolve(house: House) -> None:
    quiet = await tried(house, "nightly", method="GET")
    assert (quiet["triggers"], quiet["ignored"][0]["trigger"]["status"]) == ([], "firing")
    await house.forward(minutes=15)
    late = await tried(house, "nightly", "/v1/hooks/heartbeat", method="HEAD")
    assert named(late, "dedup_key", "status") == [("heartbeat:nightly", "resolved")]
    assert [told["status"] for told in await house.events()] == ["firing"]
    nobody = await tried(house, "genie", "/v2/heartbeats/agent/ping", method="GET")
    assert [one["reason"] for one in nobody["ignored"]] == ["no-news"]


def mac(text: str) -> str:
    return hmac.new(SECRET.encode(), text.encode(), "sha256").hexdigest()


async def test_a_body_that_would_not_be_let_in_is_told_so_beside_what_it_says(house: House) -> None:
    body = json.dumps(all_sources()["sentry"].example)
    for headers, right in (({}, False), ({"Sentry-Hook-Signature": mac("other")}, False), ({"Sentry-Hook-Signature": mac(body)}, True)):  # fmt: skip
        shown = await tried(house, "errors", headers=headers, body=body)
        assert named(shown, "status") == [("firing",)]
        assert shown["turned_away"] is None if right else "not signed as sentry signs" in shown["turned_away"]
    stamp = str(int(house.clock.now().timestamp()))
    form = {"body-mime": calendar_mail().decode(), "timestamp": stamp, "token": "t1"}
    for signature, right in ((mac(f"{stamp}t1"), True), (mac(f"{stamp}t2"), False)):
        posted = urlencode({**form, "signature": signature})
        shown = await tried(house, "route", headers={"Content-Type": FORM}, body=posted)
        assert (shown["turned_away"] is None) is right
    assert (await tried(house, "route", body=calendar_mail().decode()))["turned_away"] is None


async def test_a_message_of_sns_whose_certificate_is_elsewhere_would_be_turned_away(house: House) -> None:
    for host in ("169.254.169.254", "sns.eu-west-1.amazonaws.com.evil.example"):
        body = json.loads(sample("cloudwatch/ok")) | {"SigningCertURL": f"https://{host}/x.pem"}
        shown = await tried(house, "alarms", body=body)
        assert shown["turned_away"].endswith("SigningCertURL is not one of Amazon's.")


async def test_an_address_that_leads_elsewhere_is_refused_with_those_that_do_not(house: House) -> None:
    path = "/v1/integrations/monitoring/preview"
    wrong = await house.call("POST", path, OPERATOR, json={"path": "/v2/enqueue", "body": {}})
    assert wrong.status_code == 422
    assert "/v1/hooks/native, to /v1/triggers" in wrong.json()["detail"]


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with polling(database_url, tmp_path) as made:
        yield made


async def test_a_page_shows_what_of_it_would_be_told_and_nothing_is_remembered(desk: Desk) -> None:
    desk.show(INCIDENT)
    await first_poll(desk)
    before, poll = await desk.state(), "/v1/pollers/proofs/poll"
    await desk.told()
    same = await tried(desk.house, "proofs", poll)
    assert (same["triggers"], [one["reason"] for one in same["ignored"]]) == ([], ["no-news"])
    over = {"page": {"id": KEY.partition("/")[0]}, "incidents": [now("resolved", "It works again.")]}
    shown = await tried(desk.house, "proofs", poll, body=over)
    assert named(shown, "dedup_key", "status") == [(KEY, "resolved")]
    page = await tried(desk.house, "proofs", poll, body="<!doctype html><html><body>Sorry</body></html>")
    assert [problem["reason"] for problem in page["problems"]] == ["unknown-state"]
    assert json.dumps(await desk.state()) == json.dumps(before)
    assert await desk.told() == []
