"""A draft as a whole tree, which can be checked and applied: what other tools have no word for is as small as it can be."""

from typing import Any, Final

from services.cli.importers.draft import Draft

DEFAULT_ROTA: Final = "default"

_CATEGORIES: Final = {
    "telemetry": "service_down",
    "maintenance": "maintenance",
    "ticket": "process_blocked",
    "provider": "provider_unavailable",
    "tool": "tool_unavailable",
}

_LOCAL: Final = [
    {"id": "sms", "name": "Text messages", "provider": "local"},
    {"id": "email", "name": "E-mail", "provider": "local"},
]
_OTHERS: Final = {
    "voice": {"id": "voice", "name": "Phone calls", "provider": "local"},
    "slack": {"id": "slack", "name": "Slack", "provider": "local"},
}
"""Channels that only some have contacts of."""


def documents(draft: Draft, on_shift: str | None) -> dict[str, Any]:
    """What each file of the tree says. ``on_shift`` is the id of the rota that becomes the team on shift; else the first.

    Raises :class:`LookupError` where there is no such rota.
    """
    _name_default(draft, on_shift)
    ladders = draft.ladders or [_only_ladder()]
    if not draft.ladders:
        draft.changed("ladders", "the export has none; one that tells the team on shift stands in its place")
    draft.left_out("what is promised to whom", "other tools do not say it; deploy/config/clocks.yaml shows how")
    default = {"first": ["on-shift"], "ladder": ladders[0]["id"], "clocks": "standard"}
    routing = {"categories": _CATEGORIES, "rules": draft.rules, "default": default, "quarantine": ["on-shift"]}
    operator = {"id": "operator", "name": "Operator", "roles": ["admin"], "key": {"env": "TOCSIN_KEY_OPERATOR"}}
    return {
        "people.yaml": {"people": draft.people},
        "teams.yaml": {"teams": draft.teams},
        "rotas.yaml": {"rotas": draft.rotas},
        "services.yaml": {"services": draft.services},
        "ladders.yaml": {"ladders": ladders},
        "routing.yaml": {"routing": routing},
        "clocks.yaml": {"clocks": [{"id": "standard", "name": "No promises yet", "obligations": []}]},
        "roles.yaml": {"roles": []},
        "tools.yaml": {"tools": []},
        "tenants.yaml": {"tenants": []},
        "links.yaml": {"links": []},
        "integrations.yaml": {"integrations": []},
        "channels.yaml": {"channels": [*_LOCAL, *(one for channel, one in _OTHERS.items() if _used(channel, draft))]},
        "principals.yaml": {"principals": [operator]},
    }


def _used(channel: str, draft: Draft) -> bool:
    return any(channel in contact for person in draft.people for contact in person.get("contacts", ()))


def _name_default(draft: Draft, on_shift: str | None) -> None:
    known = [rota["id"] for rota in draft.rotas]
    if on_shift is not None and on_shift not in known:
        raise LookupError(f"there is no rota {on_shift!r}; there is {', '.join(known) or 'none'}")
    chosen = on_shift or (DEFAULT_ROTA if DEFAULT_ROTA in known else next(iter(known), None))
    if chosen is None:
        draft.rotas.append({"id": DEFAULT_ROTA, "name": "The team on shift"})
        draft.changed("rotas", "the export has none; an empty one is the team on shift")
    elif chosen != DEFAULT_ROTA:
        if DEFAULT_ROTA in known:
            _rename(draft, DEFAULT_ROTA, f"{DEFAULT_ROTA}-before")
        _rename(draft, chosen, DEFAULT_ROTA)
        draft.changed(
            f"rota {chosen}", f"is called {DEFAULT_ROTA}: it is the team on shift (--on-shift chooses another)"
        )


def _rename(draft: Draft, before: str, after: str) -> None:
    for rota in draft.rotas:
        if rota["id"] == before:
            rota["id"] = after
    was, now = f"rota:{before}", f"rota:{after}"
    for ladder in draft.ladders:
        for rung in ladder["rungs"]:
            rung["roles"] = [now if role == was else role for role in rung["roles"]]
    for rule in draft.rules:
        rule["first"] = [now if role == was else role for role in rule["first"]]
    for service in draft.services:
        if service.get("responsible") == was:
            service["responsible"] = now


def _only_ladder() -> dict[str, Any]:
    rung = {"name": "The team on shift", "roles": ["on-shift"], "after": "0m"}
    return {"id": "standard", "name": "The team on shift", "rungs": [rung]}
