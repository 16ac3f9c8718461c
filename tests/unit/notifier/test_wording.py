"""What messages say."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.events.base import Actor, Link
from libs.common.events.incidents import Maintenance, Purpose
from services.notifier.domain.segments import measure
from services.notifier.domain.wording import Places, from_the_house, moment, span, word
from services.notifier.rendering import Renderer
from tests.unit.notifier.requests import NOW, client, incident, person, request, ticket

PLACES = Places("https://status.example/console/incidents/{number}", "https://status.example")
RENDERER = Renderer()


def sms(purpose: Purpose, **fields: Any) -> str:
    recipient = fields.pop("to", person())
    asked = request(purpose, recipient, **fields)
    return RENDERER.render("sms", word(asked, recipient, PLACES, NOW)).text


def mail(purpose: Purpose, **fields: Any) -> tuple[str, str, str]:
    recipient = fields.pop("to", person())
    rendered = RENDERER.render("email", word(request(purpose, recipient, **fields), recipient, PLACES, NOW))
    return rendered.headline, rendered.text, rendered.html


def test_a_page_says_what_is_down_how_to_take_it_and_where_to_look() -> None:
    assert sms("page") == "P1 #12 Checkout is down. Reply ACK 12. https://status.example/console/incidents/12"


def test_a_page_with_a_long_title_is_still_one_part() -> None:
    text = sms("page", incident=incident(title="The “checkout” of each tenant answers 500 — since the release " * 4))
    assert measure(text).segments == 1
    assert measure(text).encoding == "gsm7"
    assert "Reply ACK 12." in text
    assert text.endswith("/console/incidents/12")


def test_a_status_without_news_says_since_when_and_promises_the_next() -> None:
    text = sms("status", since=NOW - timedelta(minutes=30), next_by=NOW + timedelta(minutes=30))
    assert "No change since 13:30 UTC. Next update by 14:30 UTC." in text


def test_a_late_message_says_how_late_it_is() -> None:
    assert "This comes 7 min late." in sms("status", since=NOW, next_by=NOW, late_by=timedelta(minutes=7, seconds=3))
    assert "late" not in sms("status", since=NOW, next_by=NOW, late_by=timedelta(seconds=20))


@pytest.mark.parametrize("purpose", ["page", "reminder", "missed", "status", "update", "rca_status", "notice"])
@pytest.mark.parametrize("channel", ["sms", "email"])
def test_what_was_promised_stands_in_every_message_that_carries_a_promise(purpose: Purpose, channel: str) -> None:
    asked = request(
        purpose, person(), words="We found it.", next_by=NOW + timedelta(minutes=30), obligation="team_status"
    )
    assert "Next update by 14:30 UTC." in RENDERER.render(channel, word(asked, person(), PLACES, NOW)).text


def test_an_update_carries_the_words_of_its_author() -> None:
    text = sms("update", words="We found it.\nA rollback runs.", next_by=NOW + timedelta(hours=1))
    assert "#12 Checkout is down: We found it. A rollback runs. Next update by 15:00 UTC." in text


def test_long_words_are_cut_and_the_promise_is_not() -> None:
    text = sms("update", words="We found it. " * 100, next_by=NOW + timedelta(hours=1))
    assert measure(text).segments <= 3
    assert "... Next update by 15:00 UTC." in text


def test_a_status_with_news_says_these_and_no_more() -> None:
    text = sms("status", words="A rollback runs.", since=NOW, next_by=NOW + timedelta(hours=1))
    assert "A rollback runs." in text
    assert "No change" not in text


def test_a_reminder_and_a_miss_name_what_is_owed_and_when() -> None:
    due = NOW + timedelta(minutes=5)
    assert "The team status is due by 14:05 UTC." in sms("reminder", obligation="team_status", due_at=due)
    assert "The team status that was due by 13:55 UTC is missing." in sms(
        "missed", obligation="team_status", due_at=NOW - timedelta(minutes=5)
    )


def test_a_call_is_now_or_at_its_time() -> None:
    assert "Incident call now. Next call by 15:00 UTC." in sms("call", next_by=NOW + timedelta(hours=1))
    assert "Incident call at 14:10 UTC." in sms("call", due_at=NOW + timedelta(minutes=10))


def test_a_team_is_asked_whether_its_maintenance_is_over_not_for_an_update() -> None:
    asked = {"reason": "window_over", "due_at": NOW - timedelta(minutes=2)}
    assert "It was planned to end by 13:58 UTC: is it over?" in sms("reminder", **asked)
    headline, text, _ = mail("reminder", **asked)
    assert headline == "[#12] Checkout is down - is it over?"
    assert "Resolve it if it is over; else move its end" in text


@pytest.mark.parametrize(
    ("state", "label", "sentence"),
    [
        ("cancelled", "called off", "Called off at 14:00 UTC. Nothing more to do."),
        ("over", "over", "Over at 14:00 UTC."),
    ],
)
def test_the_closing_word_of_a_maintenance_says_how_it_ended(state: Any, label: str, sentence: str) -> None:
    record = Maintenance(id=UUID(int=7), external_id="CHG-1", state=state, changed_at=NOW)
    ended = incident(state="resolved", resolved_at=NOW, category="maintenance", maintenance=record)
    assert sentence in sms("closing", incident=ended)
    assert mail("closing", incident=ended)[0] == f"[#12] Checkout is down - {label}"


def test_the_closing_word_tells_a_resolve_from_a_false_alarm() -> None:
    resolved = incident(state="resolved", resolved_at=NOW, resolved_by=Actor(kind="person", id="r", name="Rafael"))
    assert "Resolved at 14:00 UTC after 30 min." in sms("closing", incident=resolved)
    false = incident(state="resolved", verdict="false_positive")
    assert "This was a false alarm." in sms("closing", incident=false)
    assert mail("closing", incident=false)[0] == "[#12] Checkout is down - false alarm"


def test_a_notice_needs_no_incident() -> None:
    text = sms("notice", incident=None, title="A body in quarantine", words="alertmanager: no JSON")
    assert text == "A body in quarantine: alertmanager: no JSON"


def test_whoever_is_outside_gets_the_public_page_and_nothing_of_the_house() -> None:
    headline, text, html = mail(
        "status",
        to=client(),
        since=NOW,
        next_by=NOW,
        incident=incident(
            description="db-7 lost its disk", acknowledged_by=Actor(kind="person", id="r", name="Rafael")
        ),
        links=(Link(href="https://grafana.example", text="Grafana"),),
    )
    for shown in (headline, text, html):
        assert "console" not in shown
        assert "Grafana" not in shown
        assert "db-7" not in shown
        assert "Rafael" not in shown
    assert "https://status.example" in text
    assert "ACK" not in sms("page", to=client("Clara", ("sms", "+15005550011")))


def test_an_e_mail_says_why_it_came_and_what_to_look_at() -> None:
    headline, text, html = mail(
        "page", to=person("Helena", backup_for="Abdul"), links=(Link(href="https://g.example", text="Grafana"),)
    )
    assert headline == "[#12] Checkout is down - P1 page"
    assert "Sent to Helena as the one on shift, in place of Abdul, rung 1 (First to hear)." in text
    assert "- Grafana: https://g.example" in text
    assert '<a href="https://g.example">Grafana</a>' in html
    assert "Acknowledge it in the incident." in text


def test_titles_from_outside_are_text_in_html_and_links_lead_to_the_web_only() -> None:
    _, _, html = mail(
        "page",
        incident=incident(title="<script>alert(1)</script> {{ 7 * 7 }}"),
        links=(Link(href="javascript:alert(1)", text="look"),),
    )
    assert "<script>" not in html
    assert "{{ 7 * 7 }}" in html
    assert 'href="javascript' not in html


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 11, 24, 14, 30, tzinfo=UTC), "14:30 UTC"),
        (datetime(2026, 11, 25, 2, 0, tzinfo=UTC), "02:00 UTC on 25 Nov"),
    ],
)
def test_another_day_is_named(at: datetime, said: str) -> None:
    assert moment(at, NOW) == said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0.5, "less than a minute"), (7, "7 min"), (60, "1 h"), (125, "2 h 5 min"), (1440, "1 day"), (3000, "2 days 2 h")],
)
def test_spans_are_said_as_people_say_them(minutes: float, said: str) -> None:
    assert span(timedelta(minutes=minutes)) == said


def comment(purpose: Purpose, **fields: Any) -> str:
    asked = request(purpose, ticket(), **fields)
    return RENDERER.render("ticket:zendesk", word(asked, ticket(), PLACES, NOW)).text


def test_a_comment_begins_with_the_incident_and_has_nothing_of_the_house() -> None:
    own = incident(description="pod web-3", acknowledged_by=Actor(kind="person", id="rafael", name="Rafael"))
    text = comment("update", incident=own, words="We found it.", next_by=NOW + timedelta(minutes=30))
    assert text == "Incident 12: We found it.\n\nNext update by 14:30 UTC.\n\nhttps://status.example\n"


def test_a_comment_says_that_it_is_over_and_how_long_it_took() -> None:
    text = comment("closing", incident=incident(state="resolved", resolved_at=NOW))
    assert text.startswith("Incident 12: Resolved at 14:00 UTC after 30 min.\n")


def test_neither_a_client_nor_a_ticket_answers() -> None:
    assert [from_the_house(one.ref) for one in (person(), client(), ticket())] == [True, False, False]
