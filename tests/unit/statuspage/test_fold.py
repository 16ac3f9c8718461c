"""Events become lines, messages and pages."""

import pytest

from libs.common.events.deliveries import Addressee, DeliveryConfirmed, DeliveryFailed, DeliverySent
from libs.common.events.incidents import IncidentNoted
from services.statuspage.domain.fold import concerns_tenant, is_open, line_of, message_of, supersedes, visible_to
from tests.support.statuspage import NOW, SYSTEM, at, incident, paging, uid

STEFANIA = Addressee(ref="person:stefania", name="Stefania", role="on-shift")


def sent(attempt: int = 1) -> DeliverySent:
    found = paging(17, 1, at(9, 15), "stefania", role="on-shift")[1]
    assert isinstance(found, DeliverySent)
    return found.model_copy(update={"attempt": attempt})


def failed(attempt: int, *, again: bool) -> DeliveryFailed:
    return DeliveryFailed(
        subject_id=uid(17), notification_id=uid(1701), purpose="page", rung=1, slot="rung-1", at=NOW, recipient=STEFANIA,
        channel="sms", provider="twilio", attempt=attempt, reason="provider_error", retry_at=NOW if again else None,
    )  # fmt: skip


def confirmed() -> DeliveryConfirmed:
    return DeliveryConfirmed(
        subject_id=uid(17), notification_id=uid(1701), purpose="page", rung=1, slot="rung-1", at=NOW, recipient=STEFANIA, channel="sms",
    )  # fmt: skip


def test_the_same_fact_is_the_same_line_and_another_fact_is_another() -> None:
    fact = IncidentNoted(incident=incident(1, at(9)), at=NOW, actor=SYSTEM, text="Stefania is being paged")
    assert line_of(fact).id == line_of(fact.model_copy()).id
    assert line_of(fact).id != line_of(fact.model_copy(update={"text": "Rafael is being paged"})).id
    assert line_of(fact).kind == "noted"


def test_a_later_attempt_replaces_an_earlier_one_and_never_the_other_way_round() -> None:
    first, second = message_of(failed(1, again=True)), message_of(sent(2))
    assert supersedes(first, None)
    assert supersedes(second, first)
    assert not supersedes(first, second)
    assert not supersedes(second, second)


def test_a_confirmation_follows_what_was_sent_and_stays() -> None:
    done = message_of(confirmed())
    assert supersedes(done, message_of(sent()))
    assert not supersedes(done, done)


def test_a_failure_that_is_tried_again_is_not_yet_a_failure() -> None:
    assert message_of(failed(1, again=True)).state == "retrying"
    assert message_of(failed(1, again=False)).state == "failed"


@pytest.mark.parametrize(
    ("tenants", "service", "uses", "shown"),
    [
        (("acme",), "invoicing", (), True),
        (("globex",), "invoicing", (), False),
        ((), "invoicing", (), True),
        ((), "invoicing", ("reports",), False),
        ((), None, ("reports",), True),
        (("acme",), "invoicing", ("reports",), True),
    ],
)
def test_a_tenants_page_shows_only_what_concerns_it(
    tenants: tuple[str, ...], service: str | None, uses: tuple[str, ...], shown: bool
) -> None:
    assert concerns_tenant(incident(1, NOW, tenants=tenants, service=service), "acme", uses) is shown


def test_a_principal_of_one_tenant_sees_nothing_of_another() -> None:
    assert not visible_to(incident(1, NOW, tenants=("globex",)), ("acme",))
    assert visible_to(incident(1, NOW, tenants=("globex",)), None)
    assert visible_to(incident(1, NOW), ("acme",))


def test_a_false_positive_is_not_open() -> None:
    assert not is_open(incident(1, NOW, verdict="false_positive"))
    assert is_open(incident(1, NOW, state="acknowledged"))
