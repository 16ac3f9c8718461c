"""How providers stand, told to whoever shows it: only of those that an integration gives a public name."""

from libs.common.db.work import Tx
from libs.common.events.directory import ProviderChanged, ProviderHealth
from services.intake.domain.integration import Integration, IntegrationRecord
from services.intake.sources.watched import PolledOptions


async def tell(tx: Tx, integration: Integration[PolledOptions], provider: str, health: ProviderHealth) -> None:
    """Tell how the provider stands from now on, where that is to be shown. ``provider``: as incidents name it, unless the options do."""
    options = integration.options
    if options.public.strip():
        await tx.emit(
            ProviderChanged(
                id=integration.id,
                name=options.public.strip(),
                provider=options.provider or provider,
                health=health,
                since=tx.now,
                at=tx.now,
            )
        )


async def withdraw(tx: Tx, before: IntegrationRecord | None, after: IntegrationRecord | None) -> None:
    """Have nobody show how the provider stands any more, where an integration is changed, or removed, so that this ends."""
    if before is not None and _is_shown(before) and (after is None or not _is_shown(after)):
        await tx.emit(ProviderChanged(id=before.id, name=before.name, removed=True, since=tx.now, at=tx.now))


def _is_shown(record: IntegrationRecord) -> bool:
    return bool(record.options.get("url") and str(record.options.get("public", "")).strip())
