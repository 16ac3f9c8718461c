import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.sources.registry import all_sources
from tests.unit.intake.support import only, read, sample

DOWN = json.loads(sample("uptime_kuma/up"))


def multipart(fields: dict[str, str], boundary: str = "x-1") -> bytes:
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    return ("".join(parts) + f"--{boundary}--\r\n").encode()


def test_a_form_is_read_as_an_object() -> None:
    body = urlencode({"STATUS": "DOWN", "MONITORNAME": "approvals", "INCIDENT_REASON": "Read timed out"}).encode()
    trigger = only(read("site24x7", body, content_type="application/x-www-form-urlencoded; charset=UTF-8"))
    assert (trigger.dedup_key, trigger.title) == ("approvals", "Read timed out")


def test_a_form_with_parts_is_read_as_an_object_and_uptime_kumas_has_json_in_one() -> None:
    body = multipart({"data": json.dumps(DOWN)})
    trigger = only(read("uptime_kuma", body, content_type="multipart/form-data; boundary=x-1"))
    assert (trigger.dedup_key, trigger.status) == ("7", "resolved")


def test_a_field_data_that_is_no_object_is_passed_over() -> None:
    for data in (7, "x", "[1", [1]):
        assert only(read("uptime_kuma", {**DOWN, "data": data})).dedup_key == "7"
        assert read("uptime_kuma", {"data": data}).refusals


@given(
    body=st.binary(max_size=80) | st.text(max_size=30).map(lambda text: multipart({text: text})),
    mark=st.text(max_size=8),
)
def test_a_broken_form_is_refused_and_nothing_else(body: bytes, mark: str) -> None:
    for kind in (
        "multipart/form-data; boundary=x-1",
        f"multipart/form-data; boundary={mark}",
        "application/x-www-form-urlencoded",
    ):
        reading = read("site24x7", body, content_type=kind)
        assert reading.refusals or reading.triggers


@pytest.mark.parametrize("source", ["apprise", "freshdesk", "mapping", "site24x7", "uptime_kuma", "zabbix"])
@pytest.mark.parametrize("before", [b"", b" \n"])
def test_json_that_a_sender_calls_a_form_is_read_as_the_json_that_it_is(source: str, before: bytes) -> None:
    body = before + all_sources()[source].example_body
    as_form = read(source, body, content_type="application/x-www-form-urlencoded")
    assert as_form == read(source, body, content_type="application/json")
    assert only(as_form).status == "firing"
