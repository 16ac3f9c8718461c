"""The rule that only the unit of work commits, held by reading the code."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
EDGE = ROOT / "libs/common/db/work.py"


def commits(source: str) -> list[int]:
    """Lines that call ``something.commit()`` without arguments: a session's commit (a bus's takes offsets)."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "commit"
        and not node.args
        and not node.keywords
    ]


def test_the_reader_finds_a_commit() -> None:
    assert commits("async def f(session):\n    await session.commit()\n    await consumer.commit(offsets)\n") == [2]


def test_only_the_unit_of_work_commits() -> None:
    files = [path for top in ("libs", "services") for path in (ROOT / top).rglob("*.py")]
    found = {str(path.relative_to(ROOT)) for path in files if path != EDGE and commits(path.read_text())}

    assert found == set()
    assert commits(EDGE.read_text()), "the edge itself commits, so that the reader is known to see it"
