"""What nobody may do to intake, whatever the source: read keys in its log, fill its memory, exhaust its stack."""

import gzip
import json
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.intake.sources.registry import all_sources
from tests.integration.intake_support import House, intake
from tests.unit.intake.test_every_source import JSON, bodies_of, places, replaced

SOURCES = sorted(all_sources())
BOMB = zlib.compress(b"[" * 400_000_000, 9)
"""Less than half a megabyte that becomes four hundred."""


def key_of(source: str) -> str:
    """The first eight characters are public, those behind them are not."""
    return f"{SOURCES.index(source):03d}keyxx" + f"{source.replace('_', '')}secret".ljust(24, "0")[:24]


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    lines = ["integrations:"]
    for source in SOURCES:
        (tmp_path / f"hook-{source}.key").write_text(key_of(source))
        options = "options: {signature: false}, " if source == "cloudwatch" else ""
        name = source.replace("_", "-")
        lines.append(
            f"  - {{id: {name}, name: {name}, source: {source}, {options}key: {{file: {tmp_path}/hook-{source}.key}}}}"
        )
    (tmp_path / "integrations.yaml").write_text("\n".join(lines))
    async with intake(database_url, tmp_path) as made:
        yield made


JUNK: Any = st.sampled_from(
    [
        None,
        True,
        -1,
        1e300,
        "",
        "\x00",
        "\\u0000",
        ["\x00"],
        "\ud800",
        "x" * 5_000,
        [],
        [[]],
        {},
        {"a": None},
        "[{",
        "{}",
        10**400,
    ]
)


@st.composite
def changed(draw: st.DrawFn, source: str) -> bytes:
    """A body of the source with some values or some bytes changed, cut off, or something else altogether."""
    raw: bytes = draw(st.sampled_from(bodies_of(source)))
    way = draw(st.sampled_from(["values", "values", "bytes", "cut", "anything"]))
    if way == "anything":
        anything: bytes = draw(st.binary(max_size=60) | (JSON | JUNK).map(lambda value: json.dumps(value).encode()))
        return anything
    if way == "cut":
        return raw[: draw(st.integers(0, len(raw)))]
    if way == "values" and raw[:1] in b"{[":
        body = json.loads(raw)
        for _ in range(draw(st.integers(1, 3))):
            body = replaced(body, draw(st.sampled_from(places(body))), draw(JSON | JUNK))
        return json.dumps(body).encode()
    start = draw(st.integers(0, len(raw)))
    return raw[:start] + draw(st.binary(max_size=9)) + raw[start + draw(st.integers(0, 9)) :]


LAST = """
    SELECT DISTINCT ON (source) source, body, (SELECT count(*) FROM quarantine q WHERE q.delivery_id = d.id) AS quarantined
    FROM deliveries d ORDER BY source, id DESC
"""


async def post(house: House, source: str, body: bytes) -> httpx.Response:
    """Post as senders do: once more where a machine that is busy elsewhere took too long to commit."""
    while True:
        response = await house.client.post(f"/v1/hooks/{source}/{key_of(source)}", content=body)
        if response.status_code != 503 or not response.json()["type"].endswith("/not-committed"):
            return response


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_whatever_a_source_is_sent_is_answered_and_kept_and_is_never_an_error(
    house: House, data: st.DataObject
) -> None:
    taken: dict[str, tuple[bytes, bool]] = {}
    for source in SOURCES:
        house.clock.advance(timedelta(milliseconds=1))
        body = data.draw(changed(source), label=source)
        response = await post(house, source, body)
        assert response.status_code in (200, 202, 400, 422), (source, response.text)
        if source != "heartbeat" and b"repeated" not in response.content:  # whatever it says, a ping is a ping
            taken[source] = (body, response.status_code >= 400)
    kept = {row["source"]: row for row in await house.rows(LAST)}
    for source, (body, refused) in taken.items():
        assert kept[source]["body"] == body, source
        assert kept[source]["quarantined"] == 1 or not refused, source


async def everything(house: House) -> AsyncIterator[httpx.Response]:
    """Each source is posted to, with the key wherever it may stand, well and badly."""
    for source in SOURCES:
        key, hooks = key_of(source), f"/v1/hooks/{source}"
        example = json.dumps(all_sources()[source].example).encode()
        for body in (example, b"{", b"", b"\xff\x00"):
            yield await house.client.post(f"{hooks}/{key}", content=body)
        for path in (
            f"{hooks}/{key}/",
            f"{hooks}/{key}/api/v2/alerts",
            f"{hooks}/x/{key}",
            f"/{key}",
            f"{hooks}//{key}",
        ):
            yield await house.client.post(path, content=example)
        for method in ("GET", "OPTIONS", "PUT", "DELETE"):
            yield await house.client.request(method, f"{hooks}/{key}")
        yield await house.client.post(f"{hooks}?access_token={key}", content=example)
        yield await house.client.post(f"/v1/hooks/nosuch/{key}", content=example)
        yield await house.client.post(f"{hooks}/{key[:-1]}9", content=example)
        for service in ("sendgrid", "mailgun"):
            yield await house.client.post(f"/v1/mail/{service}/{key}", content=example)
        for name in ("Authorization", "X-Tocsin-Key", "X-Routing-Key"):
            for address in ("/v1/triggers", "/v2/enqueue", "/v2/alerts", "/v2/heartbeats/x/ping"):
                yield await house.client.post(address, content=example, headers={name: f"GenieKey {key}"})


async def test_a_key_stands_in_no_log_no_metric_no_answer_and_no_row(house: House) -> None:
    secrets = [key_of(source)[8:] for source in SOURCES]
    with capture_logs() as logged:
        answers = [answer async for answer in everything(house)]
    assert {answer.status_code for answer in answers} >= {200, 202, 400, 401, 403, 404, 405, 422}
    assert all(answer.status_code < 500 for answer in answers)
    assert sum(line["event"] == "request" for line in logged) == len(answers)
    tables = "deliveries, quarantine, triggers, audit, integration_keys, outbox, timers"
    kept = [str(await house.rows(f"SELECT * FROM {table}")) for table in tables.split(", ")]  # noqa: S608
    shown = (await house.client.get("/metrics")).text
    told = [answer.text + str(answer.headers) for answer in answers]
    for secret in secrets:
        for text in (str(logged), shown, *kept, *told):
            assert secret not in text


@pytest.mark.parametrize("encoding", ["deflate", "gzip"])
async def test_a_small_body_that_would_become_a_huge_one_is_refused_and_kept(house: House, encoding: str) -> None:
    body = BOMB if encoding == "deflate" else gzip.compress(b"[" * 100_000_000)
    sources = [source for source in SOURCES if source not in ("heartbeat", "mail")]  # neither unpacks anything
    for source in sources:
        path = f"/v1/hooks/{source}/{key_of(source)}"
        response = await house.client.post(path, content=body, headers={"Content-Encoding": encoding})
        assert response.status_code == 400, (source, response.text)
        assert response.json()["reason"] == "content-encoding"
    assert len(await house.rows("SELECT 1 FROM quarantine")) == len(sources)


LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><rss><channel>&b;</channel></rss>'


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 100_000, b'{"alerts":[' + b'{"labels":' * 50_000, b"<a>" * 100_000, LAUGHS],
    ids=["arrays", "objects", "both", "elements", "entities"],
)
async def test_a_body_that_is_nested_without_end_is_refused_and_kept(house: House, body: bytes) -> None:
    reasons = {}
    for source in SOURCES:
        if source == "heartbeat":
            continue
        response = await house.client.post(f"/v1/hooks/{source}/{key_of(source)}", content=body)
        assert response.status_code in (400, 422), (source, response.text)
        reasons[source] = response.json()["reason"]
    assert len(await house.rows("SELECT 1 FROM quarantine")) == len(reasons)
    if body.startswith(b"["):
        assert {source for source, reason in reasons.items() if reason not in ("too-deep", "invalid-xml")} == {"mail"}


async def test_a_body_over_the_limit_is_refused_before_it_is_read_whatever_the_source(house: House) -> None:
    for source in SOURCES:
        response = await house.client.post(f"/v1/hooks/{source}/{key_of(source)}", content=b" " * (1024 * 1024 + 1))
        assert (source, response.status_code) == (source, 413)
    assert await house.rows("SELECT 1 FROM deliveries") == []
