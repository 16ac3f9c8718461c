import json

import httpx
import pytest

from services.intake.domain.look import Look
from services.intake.network import LIMIT, Unreachable, WebNetwork
from services.intake.sources.sns import is_allowed, is_amazons, is_signed
from tests.unit.intake.real_bodies import PAYLOADS


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem", True),
        ("https://sns.cn-north-1.amazonaws.com.cn/x.pem", True),
        ("https://sns.eu-west-1.amazonaws.com:443/x.pem", True),
        ("http://sns.eu-west-1.amazonaws.com/x.pem", False),
        ("https://sns.eu-west-1.amazonaws.com/x.txt", False),
        ("https://sns.eu-west-1.amazonaws.com:8443/x.pem", False),
        ("https://sns.eu-west-1.amazonaws.com.example.org/x.pem", False),
        ("https://user@sns.eu-west-1.amazonaws.com/x.pem", False),
        ("https://example.org/sns.eu-west-1.amazonaws.com/x.pem", False),
        ("https://s3.eu-west-1.amazonaws.com/bucket/x.pem", False),
        ("https://sns.eu-west-1.amazonaws.com:x/x.pem", False),
        ("https://[::1/x.pem", False),
        ("", False),
    ],
)
def test_only_sns_itself_is_ever_asked(url: str, expected: bool) -> None:
    assert is_amazons(url, ".pem") is expected


def test_a_topic_is_allowed_by_its_name_or_by_a_pattern() -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    assert is_allowed(topic, (topic,))
    assert is_allowed(topic, ("arn:aws:sns:*:123456789012:*",))
    assert not is_allowed(topic, ())
    assert not is_allowed(topic, ("arn:aws:sns:eu-west-1:123456789012:alarm",))


def test_collected_messages_of_sns_verify_until_they_are_changed() -> None:
    folder = PAYLOADS / "aws_sns"
    for path in sorted(folder.glob("signed_*.json")):
        envelope, certificate = json.loads(path.read_text()), (folder / "test_signing_cert.pem").read_bytes()
        assert is_signed(Look(envelope), certificate), path.name
        assert not is_signed(Look(envelope | {"Message": "{}"}), certificate), path.name
        assert not is_signed(Look(envelope), b"no certificate"), path.name


async def test_the_network_is_asked_once_for_what_is_kept_and_follows_nobody() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path == "/elsewhere":
            return httpx.Response(302, headers={"Location": "https://169.254.169.254/"})
        return httpx.Response(200, content=b"x" * (LIMIT + 1) if request.url.path == "/large" else b"page")

    network = WebNetwork(httpx.MockTransport(answer))
    assert [await network.get("https://a.example/kept", keep=True) for _ in range(2)] == [b"page", b"page"]
    assert asked == ["/kept"]
    for url in ("https://a.example/elsewhere", "https://a.example/large", "http://a.example/plain"):
        with pytest.raises(Unreachable):
            await network.get(url)
    assert asked == ["/kept", "/elsewhere", "/large"]
    assert await network.get("https://a.example/kept", keep=True, anew=True) == b"page"
    assert asked == ["/kept", "/elsewhere", "/large"], "a page that was had just now is not asked for again"
    await network.stop()
