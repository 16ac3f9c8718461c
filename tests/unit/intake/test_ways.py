"""Which address leads to an integration of which source, and what it says of a body."""

import pytest

from services.intake.domain.ways import Way, way_of


@pytest.mark.parametrize(
    ("source", "method", "address", "expected"),
    [
        ("grafana", "POST", "", Way()),
        ("grafana", "POST", "/v1/hooks/grafana/some-key", Way()),
        ("grafana", "POST", "/v1/hooks/grafana", Way()),
        ("grafana", "POST", "/v1/pollers/mine/poll", Way(polled=True)),
        ("native", "POST", "/v1/triggers", Way()),
        ("native", "POST", "/v1/tickets/", Way(kind="ticket")),
        ("native", "POST", "/v1/notices", Way(kind="tool")),
        ("native", "POST", "/v1/maintenance?x=1", Way(kind="maintenance")),
        ("native", "DELETE", "/v1/maintenance/a%2Fb/c", Way(kind="maintenance", called_off="a/b/c")),
        ("mail", "POST", "/v1/mail/sendgrid/some-key", Way(mail="sendgrid")),
        ("mail", "POST", "/v1/mail/mailgun/some-key/mime", Way(mail="mailgun")),
        ("pagerduty", "POST", "/v2/enqueue", Way()),
        ("pagerduty", "POST", "/v2/change/enqueue/", Way(change=True)),
        ("pagerduty", "POST", "/generic/2010-04-15/create_event.json", Way()),
        ("opsgenie", "GET", "/v2/heartbeats/nightly%20job/ping", Way(heartbeat="nightly job")),
        ("heartbeat", "HEAD", "/v1/hooks/heartbeat/some-key", Way(heartbeat="mine")),
    ],
)
def test_an_address_says_what_comes_by_it(source: str, method: str, address: str, expected: Way) -> None:
    assert way_of(source, "mine", method, address) == expected


@pytest.mark.parametrize(
    ("method", "address", "action", "identifier", "how", "said"),
    [
        ("POST", "/v2/alerts", "create", "", "id", None),
        ("POST", "/v2/alerts/a%2Fb/close?identifierType=alias", "close", "a/b", "alias", None),
        ("POST", "/v2/alerts/a/b/notes/?identifierType=ALIAS", "note", "a/b", "alias", None),
        ("DELETE", "/v2/alerts/7/tags?identifierType=tiny&tags=x", "remove-tags", "7", "tiny", {"tags": "x"}),
        ("DELETE", "/v2/alerts/7", "delete", "7", "id", {}),
    ],
)
def test_an_address_of_opsgenies_says_which_alert_and_what_is_done_to_it(
    method: str, address: str, action: str, identifier: str, how: str, said: dict[str, str] | None
) -> None:
    way = way_of("opsgenie", "mine", method, address)
    assert way is not None
    assert way.place is not None
    assert (way.place.action, way.place.identifier, way.how) == (action, identifier, how)
    assert way.said == (None if said is None else {"identifierType": how, **said} if how != "id" else said)


@pytest.mark.parametrize(
    ("source", "method", "address"),
    [
        ("grafana", "POST", "/v1/hooks/alertmanager/some-key"),
        ("grafana", "POST", "/v1/hooks/grafanas"),
        ("grafana", "POST", "/v1/notices"),
        ("grafana", "POST", "/v1/pollers/other/poll"),
        ("native", "GET", "/v1/notices"),
        ("native", "POST", "http://[::1/v1/notices"),
        ("native", "DELETE", "/v1/notices/x"),
        ("mail", "GET", "/v1/mail/mailgun"),
        ("pagerduty", "GET", "/v2/enqueue"),
        ("opsgenie", "GET", "/v2/alerts"),
        ("opsgenie", "GET", "/v2/alerts/7"),
        ("opsgenie", "PUT", "/v2/alerts/7/priority"),
        ("opsgenie", "DELETE", "/v2/heartbeats/x"),
    ],
)
def test_an_address_that_leads_elsewhere_is_no_way(source: str, method: str, address: str) -> None:
    assert way_of(source, "mine", method, address) is None
