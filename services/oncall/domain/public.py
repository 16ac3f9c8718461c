"""What clients are told an incident is about: names from the directory only, never an alert's own words."""

from libs.common.events.incidents import Incident
from services.oncall.domain.directory import Directory


def public_title(directory: Directory, incident: Incident) -> str:
    """A sentence without a full stop, such as ``Invoicing does not work``. A service that is not public stays unnamed."""
    service = _service(directory, incident)
    tool = directory.tools.get(incident.tool or "")
    match incident.category:
        case "system_down":
            return "The system is down"
        case "service_down":
            return f"{service} does not work" if service else "A part of the system does not work"
        case "process_blocked":
            return f"Some work in {service} is blocked" if service else "Some work is blocked"
        case "provider_unavailable":
            return "A provider of ours is unavailable"
        case "tool_unavailable":
            return f"{tool.name} is unavailable" if tool else "An integrated tool is unavailable"
        case "maintenance":
            return f"Scheduled maintenance of {service}" if service else "Scheduled maintenance"


def _service(directory: Directory, incident: Incident) -> str | None:
    service = directory.services.get(incident.service or "")
    return service.name if service is not None and service.public else None
