"""Signatures: the vectors that vendors publish, those of a collection beside the project where there is one, and forgeries."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.signatures import SCHEMES, SchemeName, Signed, is_genuine
from tests.unit.intake.real_bodies import PAYLOADS

TWILIO_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
TWILIO_FORM = {
    "Digits": "1234",
    "To": "+18005551212",
    "From": "+14158675310",
    "Caller": "+14158675310",
    "CallSid": "CA1234567890ABCDE",
}
FORM = {"content-type": "application/x-www-form-urlencoded"}

Vector = tuple[SchemeName, str, Signed]

PUBLISHED: dict[str, Vector] = {
    "twilio": (
        "twilio",
        "12345",
        Signed(
            FORM | {"x-twilio-signature": "GvWf1cFY/Q7PnoempGyD5oXAezc="}, urlencode(TWILIO_FORM).encode(), TWILIO_URL
        ),
    ),
    "github": (
        "github",
        "It's a Secret to Everybody",
        Signed(
            {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
            b"Hello, World!",
        ),
    ),
    "standard webhooks": (
        "standard-webhooks",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        Signed(
            {
                "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
                "webhook-timestamp": "1614265330",
                "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,bm90IHRoaXMgb25l",
            },
            b'{"test": 2432232314}',
        ),
    ),
}


def collected() -> dict[str, list[Vector]]:
    """The vectors of ``vectors.json``, by their names; several where one entry holds several signatures."""
    path = PAYLOADS / "vectors.json"
    vectors: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    return {name: list(_vectors(name, vector)) for name, vector in vectors.items()}


def _vectors(name: str, vector: dict[str, Any]) -> list[Vector]:
    kind = name.partition("/")[0].replace("_doc_vector", "").replace("_", "-")
    raw = PAYLOADS / name
    body = raw.read_bytes() if raw.is_file() else vector.get("body", "").encode()
    secret = vector.get("secret") or vector.get("signing_secret") or vector.get("client_secret") or ""
    signature, stamp = vector.get("signature", ""), vector.get("timestamp", "")
    header = str(vector.get("header", "")).lower()
    url = ""
    sent: list[dict[str, str]] = [{header: signature}]
    secrets = [secret]
    if kind == "twilio":
        url, secrets = vector["url"], [vector["auth_token"]]
        body = urlencode(vector["params"]).encode() if "params" in vector else body
        sent = [FORM | {"x-twilio-signature": signature}]
        if shared := vector.get("sha256_sharedkey_signature"):
            settings = {"x-twilio-webhooks-signature-settings": "key=SK1,algorithm=HMAC_SHA256"}
            sent.append(FORM | settings | {"x-twilio-signature": shared})
    elif kind == "mailgun":
        secrets = [vector["signing_key"]]
        body = urlencode({"timestamp": stamp, "token": vector["token"], "signature": signature}).encode()
        sent = [FORM]
    elif kind == "slack":
        sent = [{"x-slack-request-timestamp": stamp, "x-slack-signature": signature}]
    elif kind == "zendesk":
        sent = [{header: signature, f"{header}-timestamp": stamp}]
    elif kind == "grafana":
        timed = {header: vector["signature_with_timestamp"], f"{header}-timestamp": stamp}
        sent = [{header: vector["signature_without_timestamp"]}, timed]
    elif kind == "standard-webhooks":
        sent = [{"webhook-id": vector["id"], "webhook-timestamp": stamp, "webhook-signature": signature}]
    elif kind == "pagerduty":
        secrets = [secret, vector["old_secret"]]
    name_of_scheme: SchemeName = kind  # type: ignore[assignment]
    return [(name_of_scheme, one, Signed(headers, body, url)) for one in secrets for headers in sent]


def test_every_collected_vector_is_genuine_and_no_other_secret_is() -> None:
    found = collected()
    assert len(found) == (14 if PAYLOADS.exists() else 0)
    for name, vectors in found.items():
        assert vectors, name
        for scheme, secret, signed in vectors:
            assert is_genuine(scheme, signed, ["wrong", secret]), name
            assert not is_genuine(scheme, signed, [secret + "A", ""]), name


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_published_vector_is_genuine_until_a_byte_of_it_changes(name: str) -> None:
    scheme, secret, signed = PUBLISHED[name]
    assert is_genuine(scheme, signed, [secret])
    assert not is_genuine(scheme, Signed(signed.headers, signed.body + b" ", signed.url), [secret])
    assert not is_genuine(scheme, Signed({}, signed.body, signed.url), [secret])
    assert not is_genuine(scheme, signed, [])


@pytest.mark.parametrize(
    ("scheme", "header", "before"),
    [
        ("github", "x-hub-signature-256", "sha256="),
        ("jira", "x-hub-signature", "sha256="),
        ("pagerduty", "x-pagerduty-signature", "v1=0000,v1="),
        ("sentry", "sentry-hook-signature", ""),
        ("grafana", "x-grafana-alerting-signature", ""),
    ],
)
def test_the_digits_of_a_signature_mean_the_same_in_either_case(scheme: SchemeName, header: str, before: str) -> None:
    given = hmac.new(b"s", b"{}", "sha256").hexdigest()
    assert is_genuine(scheme, Signed({header: before + given}, b"{}"), ["s"])
    assert is_genuine(scheme, Signed({header: f" {before}{given.upper()} "}, b"{}"), ["old", "s"])
    assert not is_genuine(scheme, Signed({header: before + given[:-1]}, b"{}"), ["s"])


def test_twilio_signs_the_address_with_or_without_its_port_and_each_value_once() -> None:
    def signature(url: str, told: str) -> str:
        return base64.b64encode(hmac.new(b"t", (url + told).encode(), "sha1").digest()).decode()

    given = signature("https://tocsin.example:443/x", "A1A2B")
    signed = Signed(FORM | {"x-twilio-signature": given}, b"B=&A=2&A=1&A=2", "https://tocsin.example/x")
    assert is_genuine("twilio", signed, ["t"])


def test_twilio_signs_a_json_body_by_its_digest_in_the_address() -> None:
    body = b'{"a": 1}'
    url = f"https://tocsin.example/x?bodySHA256={hashlib.sha256(body).hexdigest()}"
    given = base64.b64encode(hmac.new(b"t", url.encode(), "sha1").digest()).decode()
    headers = {"content-type": "application/json", "x-twilio-signature": given}
    assert is_genuine("twilio", Signed(headers, body, url), ["t"])
    assert not is_genuine("twilio", Signed(headers, body + b" ", url), ["t"])


def test_sendgrid_signs_with_a_key_of_which_we_have_only_the_public_half() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    given = base64.b64encode(key.sign(b"1600112502[]", ec.ECDSA(hashes.SHA256()))).decode()
    name = "x-twilio-email-event-webhook-"
    headers = {f"{name}signature": given, f"{name}timestamp": "1600112502"}
    secret = base64.b64encode(public).decode()
    assert is_genuine("sendgrid", Signed(headers, b"[]"), [secret])
    assert not is_genuine("sendgrid", Signed(headers, b"[1]"), [secret])


def test_grafanas_headers_may_have_other_names_and_a_demanded_time_cannot_be_left_away() -> None:
    def mac(text: bytes) -> str:
        return hmac.new(b"g", text, "sha256").hexdigest()

    timed = Signed({"x-sig": mac(b"7:{}"), "x-at": "7"}, b"{}", "", "X-Sig", "X-At")
    assert is_genuine("grafana", timed, ["g"])
    assert not is_genuine("grafana", Signed({"x-sig": mac(b"{}")}, b"{}", "", "X-Sig", "X-At"), ["g"])
    assert is_genuine("grafana", Signed({"x-sig": mac(b"{}")}, b"{}", "", "X-Sig"), ["g"])


@given(
    scheme=st.sampled_from(sorted(SCHEMES)),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "x-twilio-signature",
                "content-type",
                "webhook-signature",
                "x-hub-signature-256",
                "x-twilio-email-event-webhook-signature",
                "x-pagerduty-signature",
            ]
        ),
        st.text(max_size=40),
    ),
    body=st.binary(max_size=60) | st.sampled_from([b'{"signature": 7}', b'{"signature": {"timestamp": []}}']),
    secret=st.text(max_size=20),
)
def test_nonsense_is_never_genuine_and_never_an_error(
    scheme: SchemeName, headers: dict[str, str], body: bytes, secret: str
) -> None:
    signed = Signed(headers, body, "https://tocsin.example/x")
    assert not is_genuine(scheme, signed, [secret])
    SCHEMES[scheme].stamp(signed)
    SCHEMES[scheme].once(signed)
