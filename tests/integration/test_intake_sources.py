"""Every source through the front door: a real database, the addresses that senders are given, the answers that they expect."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from services.intake.domain.look import Look
from services.intake.network import WebNetwork
from services.intake.sources.registry import all_sources
from services.intake.sources.sns import signed_text
from tests.integration.intake_support import NOW, OPERATOR, House, intake

OTHERS = sorted(set(all_sources()) - {"native", "alertmanager", "heartbeat"})
"""Those whose bodies are kept and say something: the ping of a heartbeat has none."""
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
AMAZON = "https://sns.eu-west-1.amazonaws.com"


def key_of(source: str) -> str:
    """A key that begins as no other's: its first characters are how it is found."""
    return hashlib.sha256(source.encode()).hexdigest()[:32]


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    lines = ["integrations:"]
    for source in OTHERS:
        (tmp_path / f"{source}.key").write_text(key_of(source))
        lines.append(f"  - {{id: {source}, name: {source}, source: {source}, key: {{file: {tmp_path}/{source}.key}}}}")
    text = "\n".join(lines)
    options = f"source: cloudwatch, options: {{topics: ['{TOPIC}']}}"
    (tmp_path / "integrations.yaml").write_text(text.replace("source: cloudwatch", options, 1))
    async with intake(database_url, tmp_path) as made:
        yield made


@pytest.mark.parametrize("source", [name for name in OTHERS if name != "cloudwatch"])
async def test_the_example_of_each_source_is_committed_and_its_body_is_kept(house: House, source: str) -> None:
    body = all_sources()[source].example_body
    response = await house.client.post(f"/v1/hooks/{source}/{key_of(source)}", content=body)
    assert response.status_code == all_sources()[source].accepted
    events = [event for event in await house.events() if "trigger_id" in event]  # and not the notes beside it
    if all_sources()[source].answer:
        assert response.text == all_sources()[source].answer
    else:
        assert [event["trigger_id"] for event in events] == [t["trigger_id"] for t in response.json()["triggers"]]
    assert {(event["source"], event["status"]) for event in events} == {(source, "firing")}
    (row,) = await house.rows("SELECT body FROM deliveries")
    assert row["body"] == body


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("uptime_kuma", {"heartbeat": None, "monitor": None, "msg": "My Tocsin Testing"}),
        ("azure", {"data": {"essentials": {"alertId": "a", "severity": None, "monitorCondition": "Fired"}}}),
    ],
)
async def test_a_test_button_is_answered_with_200_and_opens_nothing(house: House, source: str, body: Any) -> None:
    response = await house.client.post(f"/v1/hooks/{source}/{key_of(source)}", json=body)
    assert response.status_code == 200
    assert response.json()["ignored"][0]["reason"] == "test"
    assert await house.events() == []
    assert len(await house.rows("SELECT 1 FROM deliveries")) == 1


async def test_prometheus_posts_behind_its_path_prefix_with_the_key_there_or_in_a_header(house: House) -> None:
    body = all_sources()["prometheus"].example
    key = key_of("prometheus")
    first = await house.client.post(f"/v1/hooks/prometheus/{key}/api/v2/alerts", json=body)
    bearer = {"Authorization": f"Bearer {key}"}
    second = await house.client.post("/v1/hooks/prometheus/api/v2/alerts", json=body, headers=bearer)
    assert (first.status_code, second.status_code) == (200, 200)
    assert len(await house.events()) == 2
    for path in (f"prometheus/{key}/api/v1/alerts", f"grafana/{key}/api/v2/alerts", "prometheus/a/b/api/v2/alerts"):
        assert (await house.client.post(f"/v1/hooks/{path}", json=body)).status_code == 404
    assert (await house.client.post("/v1/hooks/prometheus/nokey/api/v2/alerts", json=body)).status_code == 401


async def test_the_key_may_be_the_password_of_a_user_or_a_parameter(house: House) -> None:
    body, key = all_sources()["gcp"].example, key_of("gcp")
    basic = {"Authorization": "Basic " + base64.b64encode(f"tocsin:{key}".encode()).decode()}
    answers = [
        await house.client.post("/v1/hooks/gcp", json=body, headers=basic),
        await house.client.post(f"/v1/hooks/gcp?auth_token={key}", json=body),
        await house.client.post("/v1/hooks/gcp", json=body, headers={"X-Api-Key": key}),
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert (
        await house.client.post("/v1/hooks/gcp", json=body, headers={"Authorization": "Basic *"})
    ).status_code == 401


async def test_a_sender_of_cloudevents_that_asks_first_is_granted(house: House) -> None:
    path = f"/v1/hooks/cloudevents/{key_of('cloudevents')}"
    asks = {"WebHook-Request-Origin": "eventemitter.example.com", "WebHook-Request-Rate": "120"}
    granted = await house.client.options(path, headers=asks)
    assert granted.status_code == 200
    assert granted.headers["webhook-allowed-origin"] == "eventemitter.example.com"
    assert granted.headers["webhook-allowed-rate"] == "120"
    assert (await house.client.options(path)).status_code == 405
    assert (await house.client.options("/v1/hooks/cloudevents/nokey", headers=asks)).status_code == 401
    assert (await house.client.options(f"/v1/hooks/gcp/{key_of('gcp')}", headers=asks)).status_code == 405


async def test_a_binary_cloudevent_is_read_from_its_headers(house: House) -> None:
    headers = {
        "Content-Type": "application/json",
        "CE-SpecVersion": "1.0",
        "ce-id": "1",
        "ce-source": "/approvals",
        "ce-type": "org.example.alert.firing",
        "ce-subject": "approvals/caf%C3%A9",
    }
    path = f"/v1/hooks/cloudevents/{key_of('cloudevents')}"
    response = await house.client.post(path, json={"summary": "Queue stuck"}, headers=headers)
    assert response.status_code == 202
    (event,) = await house.events()
    assert (event["dedup_key"], event["title"], event["service"]) == ("approvals/café", "Queue stuck", "approvals")


class Amazon:
    """Signs as SNS does, serves its certificate, and notes what is asked of it."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        dated = builder.serial_number(7).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
        self.certificate = dated.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.asked: list[str] = []
        self.status = 200

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return httpx.Response(self.status, content=self.certificate if request.url.path.endswith(".pem") else b"<ok/>")

    def signed(self, version: str, **fields: Any) -> dict[str, Any]:
        message = {
            **all_sources()["cloudwatch"].example,  # type: ignore[dict-item]
            "Timestamp": NOW.isoformat(),
            "SignatureVersion": version,
            "SigningCertURL": f"{AMAZON}/SimpleNotificationService-1.pem",
            **fields,
        }
        algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 - SNS's version 1
        signature = self.key.sign(signed_text(Look(message)), padding.PKCS1v15(), algorithm)
        return {**message, "Signature": base64.b64encode(signature).decode()}

    def subscription(self, **fields: Any) -> dict[str, Any]:
        asks = {
            "Type": "SubscriptionConfirmation",
            "Token": "t",
            "SubscribeURL": f"{AMAZON}/?Action=ConfirmSubscription",
        }
        return self.signed("2", **{**asks, **fields})


async def test_an_event_that_comes_twice_is_taken_once_in_either_mode(house: House) -> None:
    path = f"/v1/hooks/cloudevents/{key_of('cloudevents')}"
    event = {"specversion": "1.0", "id": "1", "source": "/approvals", "type": "x.firing", "data": {"summary": "Stuck"}}
    binary = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    answers = [
        await house.client.post(path, json=event),
        await house.client.post(path, json=event),
        await house.client.post(path, json=event["data"], headers=binary),
        await house.client.post(path, json={**event, "id": "2"}),
        await house.client.post(path, json={**event, "source": "/orders"}),
    ]
    assert [answer.status_code for answer in answers] == [202, 200, 200, 202, 202]
    assert answers[2].json()["ignored"][0]["reason"] == "repeated"
    assert len(await house.events()) == 3


async def test_an_event_is_known_by_source_and_id_in_batches_and_across_requests(house: House) -> None:
    path = f"/v1/hooks/cloudevents/{key_of('cloudevents')}"

    def event(number: str, source: str = "/approvals", **more: Any) -> dict[str, Any]:
        data = {"summary": "Stuck", "alertId": f"{source} {number}"}
        return {"specversion": "1.0", "id": number, "source": source, "type": "x.firing", "data": data, **more}

    batch = {"Content-Type": "application/cloudevents-batch+json"}
    broken = event("9", specversion="7")
    bodies = [
        [event("1"), event("2"), event("1", subject="another wording")],
        [event("1"), event("2")],
        [event("2"), event("3"), broken],
        [event("1"), broken],
        [event("3", "/orders")],
    ]
    answers = [await house.client.post(path, content=json.dumps(body), headers=batch) for body in bodies]
    single = await house.client.post(path, json=event("3"))
    assert [answer.status_code for answer in answers] == [202, 200, 202, 202, 202]
    assert single.status_code == 200
    assert [one["reason"] for one in answers[2].json()["ignored"]] == ["no-news"]
    told = [one["dedup_key"] for one in await house.events() if "status" in one]
    assert told == ["/approvals 1", "/approvals 2", "/approvals 3", "/orders 3"]
    delivery = next(one for one in await house.events())["delivery_id"]
    again = await house.call("POST", f"/v1/deliveries/{delivery}/replay", OPERATOR, json={})
    assert len(again.json()["triggers"]) == 3, "who reads it again means it"


async def test_batches_with_one_event_at_the_same_moment_take_it_once(house: House) -> None:
    path = f"/v1/hooks/cloudevents/{key_of('cloudevents')}"
    event = {"specversion": "1.0", "source": "/approvals", "type": "x.firing", "data": {"summary": "Stuck"}}
    batches = [[{**event, "id": "0"}, {**event, "id": str(number)}] for number in range(1, 6)]
    answers = await asyncio.gather(*(house.client.post(path, json=batch) for batch in batches))
    assert {answer.status_code for answer in answers} == {202}
    assert len(await house.events()) == 6


@pytest.fixture
async def amazon(house: House) -> Amazon:
    made = Amazon()
    state = house.service.app.state
    state.intake = replace(state.intake, network=WebNetwork(httpx.MockTransport(made.answer)))
    return made


async def post_sns(house: House, message: dict[str, Any]) -> httpx.Response:
    headers = {"Content-Type": "text/plain; charset=UTF-8"}
    content = json.dumps(message).encode()
    return await house.client.post(f"/v1/hooks/cloudwatch/{key_of('cloudwatch')}", content=content, headers=headers)


@pytest.mark.parametrize("version", ["1", "2"])
async def test_an_alarm_that_sns_signed_is_taken_and_its_certificate_asked_for_once(
    house: House, amazon: Amazon, version: str
) -> None:
    for number in range(2):
        assert (await post_sns(house, amazon.signed(version, MessageId=f"m-{number}"))).status_code == 202
    assert amazon.asked == [f"{AMAZON}/SimpleNotificationService-1.pem"]
    assert [event["service"] for event in await house.events()] == ["approvals", "approvals"]


async def test_an_event_of_aws_health_that_sns_signed_is_taken_once_and_a_forged_one_is_not(
    house: House, amazon: Amazon
) -> None:
    event = {**all_sources()["aws_health"].example}  # type: ignore[dict-item]
    signed = amazon.signed("2", Message=json.dumps(event), MessageId="h-1")
    path = f"/v1/hooks/aws_health/{key_of('aws_health')}"
    forged = signed | {"Message": json.dumps({**event, "account": "1"})}
    answers = [await house.client.post(path, json=body) for body in (signed, signed, forged)]
    assert [answer.status_code for answer in answers] == [202, 200, 403]
    assert (await post_sns(house, signed)).status_code == 202
    assert [(event["source"], event["kind"]) for event in await house.events()] == [
        ("aws_health", "provider"),
        ("cloudwatch", "provider"),
    ]


async def test_a_message_that_sns_delivers_twice_is_taken_once(house: House, amazon: Amazon) -> None:
    answers = [await post_sns(house, amazon.signed("2", Subject=subject)) for subject in ("A", "A", "B")]
    assert [answer.status_code for answer in answers] == [202, 200, 200]
    assert len(await house.events()) == 1


async def test_an_alarm_that_sns_did_not_sign_is_refused_and_not_kept(house: House, amazon: Amazon) -> None:
    altered = {**amazon.signed("2"), "Subject": "Something else"}
    old = amazon.signed("2", Timestamp=(NOW - timedelta(hours=2)).isoformat())
    elsewhere = amazon.signed("2", SigningCertURL="https://sns.eu-west-1.amazonaws.com.example.org/x.pem")
    unknown = amazon.signed("2") | {"SignatureVersion": "3"}
    example = json.loads(all_sources()["cloudwatch"].example_body)
    for message in (altered, old, elsewhere, unknown, example):
        assert (await post_sns(house, message)).status_code == 403
    assert await house.rows("SELECT 1 FROM deliveries") == []
    assert all(address.startswith(AMAZON + "/") for address in amazon.asked)


async def test_the_subscription_of_a_named_topic_is_confirmed_after_it_was_kept(house: House, amazon: Amazon) -> None:
    response = await post_sns(house, amazon.subscription())
    assert response.status_code == 200
    assert response.json()["ignored"][0]["reason"] == "handshake"
    assert amazon.asked[-1] == f"{AMAZON}/?Action=ConfirmSubscription"
    assert await house.events() == []


async def test_nothing_but_sns_is_asked_and_other_topics_are_not_confirmed(house: House, amazon: Amazon) -> None:
    other = await post_sns(house, amazon.subscription(TopicArn="arn:aws:sns:eu-west-1:666:theirs"))
    assert other.status_code == 422
    for address in (
        "http://sns.eu-west-1.amazonaws.com/",
        "https://169.254.169.254/latest",
        "https://a@sns.x.amazonaws.com/",
    ):
        await post_sns(house, amazon.subscription(SubscribeURL=address))
    assert {address for address in amazon.asked if not address.endswith(".pem")} == set()


async def test_an_amazon_that_does_not_answer_makes_the_sender_come_back(house: House, amazon: Amazon) -> None:
    amazon.status = 500
    response = await post_sns(house, amazon.signed("2"))
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert await house.rows("SELECT 1 FROM deliveries") == []
