"""Mail services post what they took: once each, signed where the integration asks for it, and never lost."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from tests.integration.intake_support import ALERTS, CONFIG, House, no_database
from tests.integration.mail_support import OTHERS, PROVIDERS, calendar_mail, mail_intake

SECRET = "the-signing-key"
SIGNED_CONFIG = (
    CONFIG
    + """
  - id: provider-mail
    name: Providers' mail
    source: mail
    kind: provider
    key: {file: FOLDER/providers.key}
    options: {verify: {scheme: mailgun, secrets: [{file: FOLDER/mailgun.key}]}}
  - {id: other-mail, name: Other mail, source: mail, kind: provider, key: {file: FOLDER/others.key}}
"""
)
DELIVERIES = "SELECT integration_id, body, headers, triggers FROM deliveries ORDER BY id"


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "mailgun.key").write_text(SECRET)
    (tmp_path / "integrations.yaml").write_text(SIGNED_CONFIG.replace("FOLDER", str(tmp_path)))
    async with mail_intake(database_url, tmp_path, smtp_port=None) as running:
        yield running


async def sendgrid(house: House, raw: bytes, key: str = OTHERS) -> httpx.Response:
    files = {"email": (None, raw), "SPF": (None, b"pass"), "envelope": (None, b'{"from":"noc@carrier.example"}')}
    return await house.client.post(f"/v1/mail/sendgrid/{key}", files=files)


def signed(house: House, token: str = "t1", secret: str = SECRET, at: float = 0) -> dict[str, str]:  # noqa: S107 - see above
    stamp = str(int(house.clock.now().timestamp() + at))
    signature = hmac.new(secret.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": stamp, "token": token, "signature": signature}


async def mailgun(house: House, fields: dict[str, str], key: str = PROVIDERS) -> httpx.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await house.client.post(f"/v1/mail/mailgun/{key}/mime", content=urlencode(fields).encode(), headers=headers)


async def test_a_message_from_sendgrid_is_kept_as_it_was_sent(house: House) -> None:
    raw = calendar_mail()

    answer = await sendgrid(house, raw)

    assert (answer.status_code, answer.json()) == (200, {"outcome": "taken"})
    (row,) = await house.rows(DELIVERIES)
    assert row["body"] == raw
    assert row["headers"]["x-tocsin-mail-transport"] == "sendgrid"
    assert row["headers"]["x-tocsin-authentication-results"] == "sendgrid; spf=pass smtp.mailfrom=carrier.example"


async def test_a_message_that_sendgrid_posts_again_is_taken_once(house: House) -> None:
    raw = calendar_mail()
    await sendgrid(house, raw)

    assert (await sendgrid(house, raw)).json() == {"outcome": "repeated"}
    assert len(await house.rows(DELIVERIES)) == 1


async def test_mailgun_is_believed_by_its_signature_alone(house: House) -> None:
    raw = calendar_mail().decode()

    for wrong in (
        {},
        signed(house, secret="another"),
        signed(house, at=-3600),
        {**signed(house), "token": "t2"},
    ):
        assert (await mailgun(house, {**wrong, "body-mime": raw})).status_code == 401
    assert await house.rows(DELIVERIES) == []

    answer = await mailgun(house, {**signed(house), "body-mime": raw, "sender": "noc@carrier.example"})
    assert (answer.status_code, answer.json()) == (200, {"outcome": "taken"})


async def test_a_form_with_files_is_signed_as_one_without(house: House) -> None:
    fields = {**signed(house), "message-headers": '[["Subject", "Planned work"]]', "body-plain": "see the calendar"}
    files = {name: (None, value.encode()) for name, value in fields.items()}

    answer = await house.client.post(
        f"/v1/mail/mailgun/{PROVIDERS}",
        files={**files, "attachment-1": ("notice.ics", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "text/calendar")},
    )

    assert answer.status_code == 200
    (row,) = await house.rows(DELIVERIES)
    assert b"text/calendar" in row["body"]


async def test_a_token_that_was_used_is_not_good_again(house: House) -> None:
    fields = signed(house)
    await mailgun(house, {**fields, "body-mime": calendar_mail().decode()})

    again = await mailgun(house, {**fields, "body-mime": calendar_mail("Other work").decode()})

    assert again.json() == {"outcome": "repeated"}
    assert len(await house.rows(DELIVERIES)) == 1


async def test_a_form_without_a_message_is_kept_and_not_posted_again(house: House) -> None:
    answer = await mailgun(house, {**signed(house), "subject": "nothing else"})

    assert (answer.status_code, answer.json()) == (406, {"outcome": "quarantined"})
    assert len(await house.rows(DELIVERIES)) == 1
    assert len(await house.rows("SELECT id FROM quarantine")) == 1


async def test_what_is_no_form_at_all_is_kept_too(house: House) -> None:
    answer = await house.client.post(f"/v1/mail/sendgrid/{OTHERS}", content=b"\x00\xff" * 50)

    assert (answer.status_code, answer.json()) == (200, {"outcome": "quarantined"})
    (row,) = await house.rows(DELIVERIES)
    assert row["body"] == b"\x00\xff" * 50


@pytest.mark.parametrize(("key", "status"), [("0" * 32, 401), (ALERTS, 403)])
async def test_a_key_that_is_not_for_mail_opens_nothing(house: House, key: str, status: int) -> None:
    assert (await sendgrid(house, calendar_mail(), key)).status_code == status
    assert await house.rows(DELIVERIES) == []


async def test_while_the_database_is_away_the_services_are_to_post_again(house: House) -> None:
    await sendgrid(house, calendar_mail("first", "<first@carrier.example>"))
    async with no_database(house):
        assert (await sendgrid(house, calendar_mail())).status_code == 503
    assert (await sendgrid(house, calendar_mail())).status_code == 200
    assert len(await house.rows(DELIVERIES)) == 2


async def test_messages_may_be_larger_than_other_bodies_and_not_without_limit(
    database_url: str, tmp_path: Path
) -> None:
    async with mail_intake(database_url, tmp_path, mail_limit=100_000, body_limit=2_000) as house:
        assert (await sendgrid(house, calendar_mail() + b"x" * 50_000)).status_code == 200
        assert (await sendgrid(house, calendar_mail() + b"x" * 300_000)).status_code == 413
        assert (await house.post_alerts(b"x" * 3_000)).status_code == 413
