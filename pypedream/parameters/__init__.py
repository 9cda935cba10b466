"""What a user sets before a run, and what stages may change while it runs.

`Parameters` are fixed once a run begins; one definition serves notebook, command line, files and
environment. `Variables` belong to one run and change through its context. `Parameter` is loaded
when it is first used: a pipeline may have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream._lazy import lazy_names
from pypedream.parameters.secret import Secret
from pypedream.parameters.table import Parameters
from pypedream.parameters.variables import RunVariables, Variables

if TYPE_CHECKING:
    from pypedream.parameters.definition import Parameter

__all__ = ["Parameter", "Parameters", "RunVariables", "Secret", "Variables"]

__getattr__ = lazy_names(__name__, {"Parameter": "definition"})


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
