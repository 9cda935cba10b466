"""Which names of a group are not what they were in a recorded run.

A stage that reads a group is told all of it, so what it was called with says no more than that the
group is another one. The record of the run has each of its values.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pypedream.engine.account import flat
from pypedream.engine.history import recorded_run_in
from pypedream.log.encode import plain
from pypedream.values import short

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from pypedream.parameters import Parameters

_WIDTH = 60
_NOTHING = object()


def group_changes(
    group: str, parameters: Parameters, workspace: str | os.PathLike[str], run: str
) -> list[str]:
    """Return in words which names of *group* are not what they were; none if nobody knows.

    Parameters
    ----------
    run
        The id of the run that *parameters* are compared with.
    """
    folder = Path(workspace, "runs", run)
    if not folder.is_dir():
        return []
    now = json.loads(json.dumps(plain(parameters.redacted()), default=str))  # as a record has it
    old, new = (_within(group, values) for values in (recorded_run_in(folder).parameters, now))
    return [
        f'parameter "{name}" {short(old[name], _WIDTH)} -> {short(value, _WIDTH)}'
        for name, value in new.items()
        if old.get(name, _NOTHING) not in (value, _NOTHING)
    ]


def _within(group: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in flat(values) if name.startswith(f"{group}.")}
