"""What counts as a database that is not there, and what is a fault of ours."""

import asyncpg
import pytest
from sqlalchemy import exc

from libs.common.db.session import DatabaseUnavailable, is_unreachable, translated


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"), True),
        (asyncpg.AdminShutdownError("terminating connection due to administrator command"), True),
        (exc.TimeoutError("the pool has no connection"), True),
        (asyncpg.InterfaceError("the server expects 1 argument"), False),
        (asyncpg.UniqueViolationError("duplicate key"), False),
    ],
)
async def test_a_lost_connection_is_told_from_a_wrong_statement(error: Exception, away: bool) -> None:
    assert is_unreachable(error) is away
    with pytest.raises(DatabaseUnavailable if away else type(error)):
        async with translated():
            raise error
