"""The configuration that is in force, as documents, and who put it there: the same two tables in every service that has any."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import insert

from libs.common.db.session import ReadSession, WriteSession
from libs.common.db.work import Tx

Origin = Literal["folder", "applied"]
"""Where a document comes from: the watched folder, or a request."""

CONFIGURATION: Final = MetaData()
"""The two tables, for a service to take into its own by :func:`add_to`."""

DOCUMENTS: Final = Table(
    "config_documents",
    CONFIGURATION,
    Column("name", Text, primary_key=True),
    Column("document", sa.JSON, nullable=False, comment="What the file says, secrets as references."),
    Column("folder_digest", Text, nullable=False, comment="What the folder said when it was taken in last."),
    Column("origin", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("taken_at", DateTime(timezone=True), nullable=False),
    comment="The configuration in force.",
)
CHANGES: Final = Table(
    "config_changes",
    CONFIGURATION,
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("before", sa.JSON(none_as_null=True), nullable=True),
    Column("after", sa.JSON, nullable=False),
    comment="Who changed the configuration, when, and what it said before and after.",
)


def config_tables_v1(op: Operations | ModuleType) -> None:
    """The tables as of their first revision, for a migration."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "config_documents",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("document", sa.JSON, nullable=False, comment="What the file says, secrets as references."),
        sa.Column("folder_digest", sa.Text, nullable=False, comment="What the folder said when it was taken in last."),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("taken_at", instant, nullable=False),
        comment="The configuration in force.",
    )
    op.create_table(
        "config_changes",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("at", instant, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("before", sa.JSON, nullable=True),
        sa.Column("after", sa.JSON, nullable=False),
        comment="Who changed the configuration, when, and what it said before and after.",
    )


def add_to(metadata: MetaData) -> None:
    """Make the tables known as a service's own."""
    for table in CONFIGURATION.sorted_tables:
        table.to_metadata(metadata)


@dataclass(frozen=True)
class Kept:
    """A document in force. ``folder_digest`` is what the folder said when it was looked at last, empty where it never was."""

    document: Any
    folder_digest: str
    origin: Origin
    actor: str
    taken_at: datetime


@dataclass(frozen=True)
class Changed:
    """One line of the record: who put which document in the place of which."""

    id: UUID
    at: datetime
    actor: str
    origin: Origin
    name: str
    before: Any
    after: Any


def said(document: Any) -> str:
    """What tells one content of a file from another: comments and layout do not count, order does."""
    return hashlib.sha256(json.dumps(document, ensure_ascii=False).encode()).hexdigest()


async def in_force(session: ReadSession | WriteSession) -> dict[str, Kept]:
    """Every document that is in force, by the name of its file."""
    rows = await session.execute(select(DOCUMENTS))
    return {row.name: Kept(row.document, row.folder_digest, row.origin, row.actor, row.taken_at) for row in rows}


async def keep(tx: Tx, name: str, wanted: Kept, before: Kept | None) -> None:
    """Put a document in force, and write down who did where it says something else than ``before``."""
    kept = {
        "document": wanted.document,
        "folder_digest": wanted.folder_digest,
        "origin": wanted.origin,
        "actor": wanted.actor,
        "taken_at": wanted.taken_at,
    }
    statement = insert(DOCUMENTS).values(name=name, **kept)
    await tx.session.execute(statement.on_conflict_do_update(index_elements=[DOCUMENTS.c.name], set_=kept))
    if before is not None and said(before.document) == said(wanted.document):
        return
    await tx.session.execute(
        CHANGES.insert().values(
            id=tx.chance.uuid7(tx.now),
            at=tx.now,
            actor=wanted.actor,
            origin=wanted.origin,
            name=name,
            before=None if before is None else before.document,
            after=wanted.document,
        )
    )


async def changes(session: ReadSession, limit: int) -> list[Changed]:
    """The newest changes first."""
    rows = await session.execute(select(CHANGES).order_by(CHANGES.c.id.desc()).limit(limit))
    return [Changed(row.id, row.at, row.actor, row.origin, row.name, row.before, row.after) for row in rows]


def version_of(documents: Mapping[str, Any]) -> str:
    """What tells one whole configuration from another."""
    return said(sorted(documents.items()))[:32]
