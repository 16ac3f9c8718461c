"""One shift of a schedule of Grafana OnCall, as layers.

A *recurrent event* has the same people each time; of *rolling users* each time frame of ``frequency`` is the next group's.
https://grafana.com/docs/oncall/latest/oncall-api-reference/on_call_shifts/
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.cli.importers.draft import Draft, NotCarried
from services.cli.importers.turns import DAY, DAYS, WEEK, Stretch, instant, windows

_UNITS: Final = {"hourly": ("hour", 60), "daily": ("day", DAY), "weekly": ("week", WEEK)}
_ICAL: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def layers_of(shift: dict[str, Any], zone: str, layer_id: str, draft: Draft) -> list[dict[str, Any]]:
    """The layers. Raises :class:`NotCarried`."""
    kind, frequency = shift.get("type"), shift.get("frequency")
    if kind in {"single_event", "override"}:
        raise NotCarried("it happens once: make it an override in the console")
    if kind not in {"recurrent_event", "rolling_users"}:
        raise NotCarried(f"shifts of the type {kind!r} are not known")
    groups = shift.get("rolling_users") or [] if kind == "rolling_users" else [shift.get("users") or []]
    people = [_group(group, draft) for group in groups]
    if not people or not all(people):
        raise NotCarried("nobody has it")
    start = datetime.fromisoformat(str(shift["start"]).rstrip("Z"))
    lasts, rest = divmod(int(shift["duration"]), 60)
    if rest or start.second or lasts <= 0:
        raise NotCarried("it begins or ends between minutes")
    said = {
        "id": layer_id,
        "priority": int(shift.get("level") or 0),
        "people": [group[0] if len(group) == 1 else group for group in people],
        "first": int(shift.get("start_rotation_from_user_index") or 0) if kind == "rolling_users" else 0,
        "since": instant(_bound(shift.get("rotation_start"), zone) or start.replace(tzinfo=ZoneInfo(zone))),
        "until": instant(_bound(shift.get("until"), zone)),
    }
    interval = int(shift.get("interval") or 1)
    if shift.get("by_month") or shift.get("by_monthday") or frequency == "monthly":
        turns = _dated(shift, start, lasts, interval, len(people))
    else:
        turns = _turning(shift, start, lasts, interval, len(people))
    return [{key: value for key, value in (said | more).items() if value not in (None, [], 0)} for more in turns]


def _group(users: Sequence[str], draft: Draft) -> list[str]:
    found = [draft.find("person", user) for user in users]
    if None in found:
        raise NotCarried("the export does not have somebody of it")
    return [one for one in found if one]


def _turning(shift: dict[str, Any], start: datetime, lasts: int, interval: int, groups: int) -> list[dict[str, Any]]:
    """Hours, days and weeks."""
    frequency = str(shift.get("frequency"))
    if frequency not in _UNITS:
        raise NotCarried(f"the frequency {frequency!r} is not known")
    unit, size = _UNITS[frequency]
    days = [_ICAL.index(day) for day in shift.get("by_day") or []]
    clock = f"{start:%H:%M}"
    if days:
        if lasts > DAY:
            raise NotCarried("it lasts longer than a day and begins on several days of the week")
        if frequency == "hourly":
            raise NotCarried("it is counted in hours on some days of the week")
        if interval > 1 and not (frequency == "weekly" and groups > 1):
            raise NotCarried(f"it comes every {interval} {unit}s on some days of the week")
        only = windows([(day * DAY + start.hour * 60 + start.minute, lasts) for day in days])
        return [{"only": only, **_rolling(shift, frequency, start, interval, groups)}]
    if groups == 1 and interval == 1 and lasts >= size:
        return [{}]
    if groups == 1 and interval == 1 and size >= DAY:
        return [{"only": windows(_each(start, lasts, frequency))}]
    turn = interval * size
    if lasts > turn:
        raise NotCarried("it overlaps itself: it lasts longer than until it comes again")
    return [
        {
            "every": f"{interval} {unit}{'' if interval == 1 else 's'}",
            "hand_off": f"{DAYS[start.weekday()]} {clock}" if unit == "week" else clock,
            "starts_on": str(start.date()),
            "lasts": None if lasts == turn else _lasting(lasts),
        }
    ]


def _rolling(shift: dict[str, Any], frequency: str, start: datetime, interval: int, groups: int) -> dict[str, Any]:
    """Whose turn it is on some days of the week: by days, of which only those count, or by weeks from the day that begins one."""
    if groups == 1:
        return {}
    if frequency == "daily":
        return {"every": "1 day", "hand_off": f"{start:%H:%M}", "starts_on": str(start.date())}
    first = _ICAL.index(str(shift.get("week_start") or "SU"))
    begins = start.date() - timedelta(days=(start.weekday() - first) % 7)
    length = f"{interval} week{'' if interval == 1 else 's'}"
    return {"every": length, "hand_off": f"{DAYS[first]} 00:00", "starts_on": str(begins)}


def _each(start: datetime, lasts: int, frequency: str) -> list[Stretch]:
    at = start.hour * 60 + start.minute
    days = range(7) if frequency == "daily" else [start.weekday()]
    return [(day * DAY + at, lasts) for day in days]


def _dated(shift: dict[str, Any], start: datetime, lasts: int, interval: int, groups: int) -> list[dict[str, Any]]:
    """Some days of a month, or some months."""
    month_days, months = shift.get("by_monthday") or [], shift.get("by_month") or []
    frequency = str(shift.get("frequency"))
    clock = f"{start:%H:%M}"
    if frequency == "monthly" and not (months or month_days or shift.get("by_day")) and lasts <= 28 * DAY:
        return [
            {
                "every": f"{interval} month{'' if interval == 1 else 's'}",
                "hand_off": f"{start.day} {clock}",
                "starts_on": str(start.date()),
                "lasts": _lasting(lasts),
            }
        ]
    if groups > 1 or interval > 1 or lasts > DAY or frequency == "hourly":
        raise NotCarried("turns on some days of a month, or in some months, cannot be counted alike")
    if frequency == "monthly" and shift.get("by_day"):
        raise NotCarried("it is on days of the week, counted in a month")
    days = shift.get("by_day") or (_ICAL if frequency != "weekly" else [_ICAL[start.weekday()]])
    end = start + timedelta(minutes=lasts)
    window: dict[str, Any] = {"days": [day.lower() for day in days], "hours": f"{clock}-{end:%H:%M}"}
    if month_days or frequency == "monthly":
        window["month_days"] = [str(day) for day in month_days] or [str(start.day)]
    if months:
        window["months"] = [str(month) for month in months]
    return [{"only": [window]}]


def _lasting(minutes: int) -> str:
    return f"{minutes} minutes" if minutes % 60 else f"{minutes // 60} hours"


def _bound(text: Any, zone: str) -> datetime | None:
    if not text:
        return None
    found = datetime.fromisoformat(str(text))
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
