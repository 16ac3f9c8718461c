"""A tree checked on this machine alone, with the models and rules that the services themselves have."""

from collections.abc import Callable, Mapping
from pathlib import Path

from libs.common.config import ConfigTree
from libs.common.documents import parse
from libs.common.errors import Misconfigured
from services.cli.errors import Problem, problems_of
from services.cli.tree import Tree, read_tree

Check = Callable[[ConfigTree], object]


def readers() -> Mapping[str, tuple[tuple[str, ...], Check]]:
    """The files that each service reads, and its check of them."""
    from services.escalator.handlers import config as escalator
    from services.intake.handlers import configure as intake
    from services.notifier import config as notifier
    from services.oncall.handlers import configuration as oncall

    return {
        "intake": (tuple(intake.FORM.models), intake.check),
        "escalator": (tuple(escalator.FORM.models), escalator.check),
        "notifier": (tuple(notifier.FORM.models), notifier.check),
        "oncall": (tuple(oncall.FORM.models), oncall.check),
    }


def check(directory: Path) -> tuple[Tree, list[Problem]]:
    """The tree, and everything that is wrong with it as far as it can be seen without a running Tocsin.

    Secrets are not looked up: where they are is known to the services alone. Raises :class:`Misconfigured` for a folder
    that is none.
    """
    known = readers()
    tree = read_tree(directory, [name for names, _ in known.values() for name in names])
    found: list[Problem] = []
    for names, rules in known.values():
        try:
            rules(ConfigTree({name: parse(name, tree.texts[name]) for name in names}))
        except Misconfigured as error:
            found += problems_of(error.detail, directory)
    return tree, found
