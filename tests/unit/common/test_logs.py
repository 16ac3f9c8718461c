import asyncio
import io
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
import structlog

from libs.common.logs import REDACTED, bind_incident, configure, get_logger, redact, service_context
from libs.common.tracing import consumer_span, current_trace_id, start_span

INCIDENT = UUID("01890000-0000-7000-8000-000000000001")
KEY = "tocsin_" + "ab12cd34" * 4


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(capture=False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_json_with_service_trace_and_incident(capsys: pytest.CaptureFixture[str]) -> None:
    configure("escalator")
    with start_span("work"):
        bind_incident(INCIDENT)
        get_logger("x").info("rung fired", rung=2)
        trace_id = current_trace_id()
    [line] = lines(capsys)
    assert line["event"] == "rung fired"
    assert (line["service"], line["rung"], line["level"], line["logger"]) == ("escalator", 2, "info", "x")
    assert line["incident_id"] == str(INCIDENT)
    assert line["trace_id"] == trace_id is not None


async def test_tasks_of_several_services_in_one_process_each_say_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    configure("all")

    async def speak() -> None:
        get_logger("x").info("hello")

    with service_context("intake"):
        first = asyncio.create_task(speak())
    with service_context("notifier"):
        second = asyncio.create_task(speak())
    await asyncio.gather(first, second)
    assert {line["service"] for line in lines(capsys)} == {"intake", "notifier"}


def test_the_incident_of_one_record_is_forgotten_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    configure("escalator")
    with consumer_span("triggers", "tocsin.trigger.received.v1", None):
        bind_incident(INCIDENT)
    get_logger("x").info("after")
    with consumer_span("triggers", "tocsin.trigger.received.v1", None):
        get_logger("x").info("next")
    after, following = lines(capsys)
    assert "incident_id" not in after
    assert "incident_id" not in following
    assert following["event_type"] == "tocsin.trigger.received.v1"


def test_libraries_speak_through_the_same_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure("intake")
    logging.getLogger("alembic.runtime").warning("revision missing for %s", "schema")
    logging.getLogger("alembic.runtime").info("not worth a line")
    logging.getLogger("aiokafka.consumer").error("said a dozen times a second while the broker is away")
    logging.getLogger("uvicorn.access").info("GET /v1/hooks/alertmanager/key")
    [line] = lines(capsys)
    assert (line["event"], line["logger"], line["level"]) == (
        "revision missing for schema",
        "alembic.runtime",
        "warning",
    )


def test_an_exception_is_in_the_line_without_its_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    configure("intake")
    try:
        raise ValueError("cannot connect to postgresql://tocsin:hush@db/tocsin")  # noqa: TRY301 - the error to log
    except ValueError:
        get_logger("x").exception("failed")
    [line] = lines(capsys)
    assert "ValueError" in line["exception"]
    assert "hush" not in json.dumps(line)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/v1/hooks/alertmanager/s3cret?x=1", f"/v1/hooks/alertmanager/{REDACTED}?x=1"),
        ("https://in.example/v1/hooks/alertmanager/s3cret", f"https://in.example/v1/hooks/alertmanager/{REDACTED}"),
        ("postgresql://tocsin:hush@db/tocsin", f"postgresql://{REDACTED}@db/tocsin"),
        (f"the key {KEY} is new", f"the key tocsin_{REDACTED} is new"),
        ("Authorization: Bearer abcdefghijk", f"Authorization: Bearer {REDACTED}"),
        ("GET /page?token=abc&x=1", f"GET /page?token={REDACTED}&x=1"),
        ("4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("kafka://host:9092", "kafka://host:9092"),
    ],
)
def test_secrets_are_taken_out_of_text_and_nothing_else(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_values_under_a_secrets_name_are_taken_out_at_any_depth(capsys: pytest.CaptureFixture[str]) -> None:
    configure("notifier")
    get_logger("x").info(
        "calling", auth_token="a", headers={"Authorization": "b", "Accept": "c"}, list=[{"password": "d"}]
    )
    [line] = lines(capsys)
    assert line["auth_token"] == REDACTED
    assert line["headers"] == {"Authorization": REDACTED, "Accept": "c"}
    assert line["list"] == [{"password": REDACTED}]


class Unsayable:
    def __str__(self) -> str:
        raise RuntimeError("no words for it")


def test_a_line_that_cannot_be_made_disturbs_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    configure("intake")
    get_logger("x").info("never seen", what=Unsayable())
    get_logger("x").info("seen")
    shown = capsys.readouterr()
    assert [json.loads(line)["event"] for line in shown.out.splitlines()] == ["seen"]
    assert "never seen" in shown.err
    assert "no words for it" in shown.err


def test_an_output_that_is_gone_disturbs_nobody(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    configure("intake")
    stream.close()
    get_logger("x").info("never seen")
    assert "closed file" in capsys.readouterr().err


def test_lines_of_threads_and_of_libraries_never_mix(capsys: pytest.CaptureFixture[str]) -> None:
    configure("intake")

    def speak(number: int) -> None:
        for _ in range(50):
            get_logger("x").info("ours", number=number, text="x" * 500)
            logging.getLogger("alembic").warning("theirs")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(speak, range(8)))
    said = [line["event"] for line in lines(capsys)]
    assert (said.count("ours"), said.count("theirs")) == (400, 400)


def test_words_are_put_into_a_sentence_as_libraries_do(capsys: pytest.CaptureFixture[str]) -> None:
    configure("intake")
    get_logger("x").warning("%s of %d", "two", 3)
    [line] = lines(capsys)
    assert (line["event"], line["level"]) == ("two of 3", "warning")


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure("intake", "warning")
    get_logger("x").info("quiet")
    get_logger("x").warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_people_get_a_console_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("intake", "info", "console")
    get_logger("x").info("hello", key="value", url="postgresql://a:hush@b/c")
    out = capsys.readouterr().out
    assert "hello" in out
    assert "hush" not in out
    assert not out.startswith("{")
