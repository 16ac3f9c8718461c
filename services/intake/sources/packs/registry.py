"""The packs that there are: every module of this package that has a ``PACK``."""

import importlib
import pkgutil
from functools import cache

from services.intake.sources import packs
from services.intake.sources.packs.base import Pack


@cache
def all_packs() -> tuple[Pack, ...]:
    """Every pack in the order in which they are asked. Read from the package once, when first needed."""
    found = [
        getattr(importlib.import_module(f"{packs.__name__}.{module.name}"), "PACK", None)
        for module in pkgutil.iter_modules(packs.__path__)
    ]
    return tuple(sorted((one for one in found if isinstance(one, Pack)), key=lambda pack: (pack.order, pack.name)))
