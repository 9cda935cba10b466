"""A recorded run on the screen, for the command ``show``; nothing of the user's is imported."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from itertools import chain
from typing import TYPE_CHECKING, Any

from attrs import asdict

from pypedream.cli.log import heading
from pypedream.cli.terminal import command_line, say, say_json
from pypedream.cli.workspaces import run_data, workspace_of
from pypedream.engine.account_recorded import recorded_account
from pypedream.engine.history import LAST, recorded_run
from pypedream.log.durations import duration_text
from pypedream.log.ended import items_text
from pypedream.parameters.display import table
from pypedream.places import is_library
from pypedream.values import one_line, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.engine.account import Account, StageAccount
    from pypedream.engine.history import RecordedRun

_NAME = re.compile(rf"{LAST}(~\d+)?|0[0-9a-hjkmnp-tv-z]{{0,25}}", re.IGNORECASE)
_TO_GO_ON = ("failed", "interrupted", "cancelled", "crashed")
_HEADING = ("stage", "state", "took", "called with", "note")
_WIDTH = 40
_MOST_LINES = 12
_MOST_FAILED_ITEMS = 5
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = '  File "'


def is_name_of_run(text: str | None) -> bool:
    """Say whether *text* can only mean a run: there is no file, folder or module of that name."""
    if text is None or _NAME.fullmatch(text) is None:
        return False
    if os.path.exists(text) or os.path.exists(f"{text}.py"):
        return False
    return not text.isidentifier() or find_spec(text) is None


def show_run(name: str, workspace: str | None, *, as_json: bool) -> None:
    """Show a recorded run: how it went, with which parameters, and what became of its stages."""
    run = recorded_run(workspace_of(workspace), name)
    account = recorded_account(run)
    if as_json:
        say_json(_data(run, account))
        return
    say(heading(run), *_batch(run, workspace), *_parameters(account), *_stages(account))
    say(*_failures(account), *(f"note: {line}" for line in account.unreadable))
    say(*_next(run, workspace))


def _batch(run: RecordedRun, workspace: str | None) -> list[str]:
    if run.batch is None:
        return []
    where = [] if workspace is None else ["--workspace", workspace]
    listed = command_line("runs", "--batch", run.batch.short_id, *where)
    return [f"point {run.batch.index + 1} of {run.batch.of} of a sweep: {listed}"]


def _parameters(account: Account) -> list[str]:
    rows = [(name, short(value, _WIDTH)) for name, value in account.parameters.items()]
    return ["parameters", *_indented(rows)] if rows else []


def _stages(account: Account) -> list[str]:
    rows = [_row(key, stage) for key, stage in account.stages.items()]
    return ["stages", *_indented([_HEADING, *rows])] if rows else []


def _indented(rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [f"  {line}" for line in table(rows).splitlines()]


def _row(key: str, stage: StageAccount) -> tuple[str, ...]:
    took = "" if stage.duration_s is None else duration_text(stage.duration_s)
    said = [items_text(stage.items)] if stage.items else []
    said += [stage.reason] if stage.reason else []
    if stage.warned:
        said.append("1 warning" if stage.warned == 1 else f"{stage.warned} warnings")
    return key, stage.state, took, one_line(_called_with(stage), _WIDTH), ", ".join(said)


def _called_with(stage: StageAccount) -> str:
    inputs = stage.call.inputs.items() if stage.call is not None else ()
    return ", ".join(f"{name}={told.shown}" if told.shown else name for name, told in inputs)


def _failures(account: Account) -> Iterator[str]:
    for key, stage in account.stages.items():
        failed = [f"{key}[{item}] failed: {said}" for item, said in stage.failed_items.items()]
        if stage.error and not failed:
            said = ": ".join(filter(None, (stage.error.get("type"), stage.error.get("message"))))
            failed = [f"{key} {stage.state}: {one_line(said)}"]
        yield from failed[:1]
        yield from _frames(stage.error.get("traceback", ""))
        yield from failed[1:_MOST_FAILED_ITEMS]
        if len(failed) > _MOST_FAILED_ITEMS:
            yield f"and more items of {key} failed: its log has them all"


def _frames(traceback: str) -> list[str]:
    """Return the user's own lines of a traceback, or the last ones if there are none."""
    frames: list[list[str]] = []
    for line in traceback.rpartition(_TRACEBACK)[2].splitlines()[1:-1]:
        if line.startswith(_FRAME):
            frames.append([])
        if frames:
            frames[-1].append(line)
    own = [one for one in frames if not is_library(one[0].removeprefix(_FRAME).partition('"')[0])]
    return list(chain.from_iterable(own or frames))[-_MOST_LINES:]


def _next(run: RecordedRun, workspace: str | None) -> Iterator[str]:
    where = [] if workspace is None else ["--workspace", workspace]
    if run.state in _TO_GO_ON:
        yield f"to go on: fix it, then {command_line('resume', run.id, *where)}"
    yield f"its log: {command_line('log', run.id, *where)}"


def _data(run: RecordedRun, account: Account) -> dict[str, Any]:
    stages = {key: _stage_data(stage) for key, stage in account.stages.items()}
    about = {"options": dict(account.options), "environment": dict(account.environment)}
    return {**run_data(run), **about, "stages": stages, "unreadable": list(account.unreadable)}


def _stage_data(stage: StageAccount) -> dict[str, Any]:
    data = asdict(stage, filter=lambda attribute, _: attribute.name != "call")
    inputs = stage.call.inputs if stage.call is not None else {}
    return {**data, "inputs": {name: asdict(told) for name, told in inputs.items()}}
