"""The expectations of :mod:`real_bodies`, by file: expressions over the body, or a constant as a list of one value.

A text in place of a list names the reason for which the body opens nothing.
"""

from typing import Any

Expected = dict[str, Any]
FIRING, RESOLVED = ["firing"], ["resolved"]
CRITICAL, ERROR, WARNING, INFO, NOTHING = ["critical"], ["error"], ["warning"], ["info"], [None]


def _labelled(number: int, status: list[str], severity: list[str], service: str, **other: Any) -> Expected:
    alert = f"alerts[{number}]"
    return {
        "key": f"{alert}.fingerprint",
        "status": status,
        "severity": severity,
        "service": f"{alert}.labels.{service}",
        "title": f"{alert}.annotations.summary",
        "link": f"{alert}.generatorURL",
        **other,
    }


PROMETHEUS: Expected = {
    "severity": CRITICAL,
    "service": "[0].labels.service",
    "title": "[0].annotations.summary",
    "link": "[0].generatorURL",
}

EXPECTED: dict[str, list[Expected] | str] = {
    "prometheus_alertmanager/firing_single.json": [_labelled(0, FIRING, CRITICAL, "service")],
    "prometheus_alertmanager/firing_multi.json": [
        _labelled(0, FIRING, CRITICAL, "job"),
        _labelled(1, FIRING, WARNING, "job"),
        _labelled(2, FIRING, WARNING, "job"),
    ],
    "prometheus_alertmanager/resolved_single.json": [_labelled(0, RESOLVED, CRITICAL, "service")],
    "prometheus_alertmanager/resolved_multi.json": [
        _labelled(0, RESOLVED, CRITICAL, "job"),
        _labelled(1, RESOLVED, WARNING, "job"),
    ],
}
