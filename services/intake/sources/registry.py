"""The sources that there are: every module of this package that has a ``SOURCE``. A new one needs its file and nothing else."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from services.intake import sources
from services.intake.sources.base import Source


@cache
def all_sources() -> Mapping[str, Source[Any]]:
    """Every source by its name, in the order of the names. Read from the package once, when first asked."""
    found: dict[str, Source[Any]] = {}
    for module in pkgutil.iter_modules(sources.__path__):
        source = getattr(importlib.import_module(f"{sources.__name__}.{module.name}"), "SOURCE", None)
        if isinstance(source, Source):
            found[source.name] = source
    return MappingProxyType(dict(sorted(found.items())))
