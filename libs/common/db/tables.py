"""The tables that every service has in its own schema.

No table names a schema: the connection's ``search_path`` does. Times are given by the clock, never by the database.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

NAMING = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}
"""How constraints and indexes are named; PostgreSQL's own habit. A service's ``Base`` takes the same."""

COMMON = MetaData(naming_convention=NAMING)

OUTBOX = Table(
    "outbox",
    COMMON,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("value", LargeBinary, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    comment="Messages that were committed and that the bus has not acknowledged yet.",
)

INBOX = Table(
    "inbox",
    COMMON,
    Column("group", Text, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("taken_at", DateTime(timezone=True), nullable=False),
    Index(None, "taken_at"),
    comment="Events that a subscription has handled, so that a repeat is a no-op.",
)

TIMERS = Table(
    "timers",
    COMMON,
    Column("id", BigInteger, Identity(), primary_key=True, comment="Renewed by each schedule: it is the version too."),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False, comment="When it was promised."),
    Column("run_at", DateTime(timezone=True), nullable=False, comment="When it is tried next; later after a failure."),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("payload", JSONB, nullable=False),
    Column("traceparent", Text, nullable=True),
    UniqueConstraint("kind", "key"),
    Index(None, "run_at"),
    comment="What is due at a time, once.",
)

PRINCIPALS = Table(
    "principals",
    COMMON,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("roles", JSONB, nullable=False),
    Column("tenants", JSONB(none_as_null=True), nullable=True, comment="Null is all tenants."),
    Column("person", Text, nullable=True),
    Column("keys", JSONB, nullable=False, comment="Hashed keys: id, digest, expires_at."),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    comment="The replica of who may call this service.",
)

CONFIG_FILES = Table(
    "config_files",
    COMMON,
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("taken_at", DateTime(timezone=True), nullable=False),
    comment="The configuration files that were taken in, by their newest digest.",
)
