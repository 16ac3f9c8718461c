"""A small company to resolve references in: the shift of the process, two roles, a service, a tool and two tenants."""

from datetime import UTC, datetime
from typing import Any

from services.oncall.domain.directory import NOUNS, Directory

MORNING = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
"""Stefania's shift."""
AFTERNOON = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)
"""Rafael's shift."""
NIGHT = datetime(2026, 3, 3, 1, 30, tzinfo=UTC)
"""Abdul's shift, after midnight."""

PEOPLE = ("stefania", "rafael", "abdul", "helena", "luciane", "diego", "dora", "priya", "ines", "zoe")


def _person(person_id: str) -> dict[str, Any]:
    return {
        "id": person_id,
        "name": person_id.capitalize(),
        "contacts": [
            {"sms": "+15550101", "verified": True},
            {"email": f"{person_id}@example.com", "verified": True},
        ],
    }


def _contact(contact_id: str, *hears: str) -> dict[str, Any]:
    email = {"email": f"{contact_id}@client.example"}
    return {"id": contact_id, "name": contact_id.capitalize(), "hears": list(hears), "contacts": [email]}


def entries() -> dict[str, list[dict[str, Any]]]:
    """The company as the configuration would write it, by noun; change it and make a directory of it."""
    turns = [
        {"hours": "02:00-10:00", "person": "stefania"},
        {"hours": "10:00-18:00", "person": "rafael"},
        {"hours": "18:00-02:00", "person": "abdul"},
    ]
    return {
        "person": [_person(person_id) for person_id in PEOPLE],
        "team": [
            {"id": "platform", "name": "Platform", "members": ["diego", "ines"]},
            {"id": "empty", "name": "Empty", "members": [], "backups": ["luciane"]},
        ],
        "role": [
            {"id": "devops", "name": "DevOps", "members": ["diego", "dora"]},
            {"id": "pm", "name": "PM", "members": ["priya"]},
        ],
        "rota": [
            {"id": "default", "name": "The team on shift", "turns": turns, "backups": ["helena", "luciane"]},
        ],
        "service": [
            {"id": "invoicing", "name": "Invoicing", "responsible": "ines", "pm": "zoe"},
            {"id": "orphan", "name": "Orphan"},
        ],
        "tool": [{"id": "ziflow", "name": "Ziflow", "pm": "zoe"}, {"id": "sap", "name": "SAP"}],
        "tenant": [
            {"id": "acme", "name": "Acme", "contacts": [_contact("anna", "client"), _contact("adam", "tenant")]},
            {"id": "borg", "name": "Borg", "zone": "Europe/Lisbon", "contacts": [_contact("bea", "tenant", "client")]},
        ],
        "link": [],
        "principal": [],
    }


def directory(**changed: list[dict[str, Any]]) -> Directory:
    """The company, with some nouns replaced as a whole."""
    return Directory.of(
        NOUNS[noun].model_validate(entry) for noun, listed in {**entries(), **changed}.items() for entry in listed
    )


def people_without_contacts(*silent: str) -> list[dict[str, Any]]:
    """The company's people, some of whom cannot be reached."""
    return [{**entry, "contacts": []} if entry["id"] in silent else entry for entry in entries()["person"]]
