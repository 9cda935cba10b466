"""What a run of tables offers to its steps, and to any other stage of its pipeline.

Each is a context variable, so a stage binds to it as to ``context.PARAMETERS``:
``InputBinding.deferred(FILES, mapper=KeyedInputMapper(from_key="schools"))``.
"""

from __future__ import annotations

from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.tabular.astro_file import AstroFile
    from pypedream.tabular.quarantine import StepQuarantine

__all__ = ["FILES", "QUARANTINED", "STATS", "TABLES"]

_NO_FILES: Mapping[str, AstroFile] = MappingProxyType({})

FILES: ContextVar[Mapping[str, AstroFile]] = ContextVar("pypedream.FILES", default=_NO_FILES)
"""The files of the run by name, as they are when they are asked for."""

STATS: ContextVar[Any] = ContextVar("pypedream.STATS", default=None)
"""Records numbers of the run; in a step, of that step."""

QUARANTINED: ContextVar[StepQuarantine | None] = ContextVar("pypedream.QUARANTINED", default=None)
"""Sets rows aside in a step."""

TABLES: ContextVar[Any] = ContextVar("pypedream.TABLES", default=None)
"""The run of tables that is carried out."""
