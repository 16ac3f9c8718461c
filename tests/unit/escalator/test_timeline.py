from datetime import timedelta
from typing import Any

import pytest

from libs.common.events.base import SYSTEM
from libs.common.events.deliveries import Addressee, DeliveryFailed, DeliverySent
from libs.common.events.notifications import Skipped
from services.escalator.domain import timeline
from tests.unit.escalator.builders import INCIDENT_ID, MONITOR, OPENED, STEFANIA, an_incident, minutes


@pytest.mark.parametrize(("later", "words"), [(0, "09:15 UTC"), (60, "10:15 UTC"), (24 * 60, "2 Jun 09:15 UTC")])
def test_times_are_in_utc_with_the_day_where_it_is_another(later: int, words: str) -> None:
    assert timeline.clock_time(OPENED + minutes(later), OPENED) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "1 second"), (61, "1 minute"), (300, "5 minutes"), (7200, "2 h"), (7500, "2 h 5 min")]
)
def test_durations_are_said_as_people_say_them(seconds: int, words: str) -> None:
    assert timeline.duration(timedelta(seconds=seconds)) == words


def person(name: str, backup_for: str | None = None) -> Addressee:
    return Addressee(ref=f"person:{name.lower()}", name=name, role="on-shift", backup_for=backup_for)


def test_the_timeline_says_why_the_backup_is_paged() -> None:
    skipped = (Skipped(ref="person:abdul", name="Abdul", reason="no_contact"),)
    assert timeline.addressed((person("Helena", "Abdul"),), skipped, page=True) == (
        "Abdul has no contact; Helena, the backup, is paged instead."
    )


def test_several_people_are_named_in_one_sentence() -> None:
    people = (person("Stefania"), person("Rafael"), person("Abdul"))
    assert timeline.addressed(people, (), page=True) == "Stefania, Rafael and Abdul are being paged."
    assert timeline.addressed(people[:1], (), page=True) == "Stefania is being paged."


def test_a_rung_says_what_led_to_it_and_how_late_it_is() -> None:
    assert timeline.rung_due(1, "First recipients", "opened", None, SYSTEM) == (
        "Rung 1 (First recipients) is due: the incident was opened."
    )
    assert timeline.rung_due(2, "PM", "nobody_found", minutes(180), SYSTEM) == (
        "Rung 2 (PM) is due, 3 h late: nobody was found for the rung before."
    )
    assert timeline.rung_due(2, "PM", "escalated_by_hand", None, STEFANIA) == "Rung 2 (PM) is due: Stefania escalated."


def test_the_opening_names_the_routing_rule_that_decided() -> None:
    said = timeline.opened(an_incident(), MONITOR, "A telemetry alarm goes to whoever is on shift")
    assert said.endswith(". Routing rule: A telemetry alarm goes to whoever is on shift.")
    assert timeline.opened(an_incident(), MONITOR, None).endswith(
        "No routing rule matches, so the default route is taken."
    )


def test_those_who_hear_of_a_miss_are_called_as_people_call_them() -> None:
    assert timeline.miss_escalated("team_status", ("pm", "role:helpdesk")) == (
        "The team status is missing; the PM and Helpdesk are told."
    )
    assert timeline.miss_escalated("team_status", ("team:workflow",)) == "The team status is missing; Workflow is told."


def test_an_acknowledgement_by_sms_says_so() -> None:
    assert timeline.acknowledged(STEFANIA, None) == "Stefania acknowledged by SMS; the escalation stopped."


def test_a_source_that_is_well_again_is_named() -> None:
    assert timeline.resolved(MONITOR, "source_resolved", None) == (
        "Alertmanager reports that all is well again; the incident is resolved."
    )


def _fact(**said: Any) -> dict[str, Any]:
    shared = {
        "subject_id": INCIDENT_ID,
        "notification_id": INCIDENT_ID,
        "purpose": "page",
        "slot": "rung-1",
        "at": OPENED,
    }
    return {**shared, "recipient": person("Stefania"), "channel": "sms", "attempt": 1, **said}


def test_a_channel_that_is_the_incident_itself_is_said_to_be_left_out() -> None:
    failed = DeliveryFailed(**_fact(provider="twilio", reason="channel_is_the_incident"))
    assert timeline.failed(failed) == "SMS to Stefania is not used, since this incident is about its own provider."


def test_a_page_in_the_local_outbox_is_not_passed_off_as_sent() -> None:
    sent = DeliverySent(**_fact(provider="local", address="+1", text="x"))
    assert timeline.paged(sent) == "Stefania was paged by SMS (kept in the local outbox)."


def test_a_miss_says_when_it_was_due_and_when_the_next_is() -> None:
    [team] = [each for each in an_incident().obligations if each.kind == "team_status"]
    later = team.model_copy(update={"due_at": OPENED + minutes(60)})
    assert timeline.obligation_missed(later, OPENED + minutes(30), OPENED + minutes(30)) == (
        "The team status was due by 09:45 UTC and did not come; the next is due by 10:15 UTC."
    )
