"""What a connection to PostgreSQL raises when the server is not there: the same for the database and for the bus that lives in one."""

from typing import Final

import asyncpg

UNREACHABLE: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What a connection raises when the server stops, restarts, refuses or does not answer.

The internal error is asyncpg's answer to a query between the server's farewell and the end of its connection.
"""
