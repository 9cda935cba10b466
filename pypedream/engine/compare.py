"""Compare: find what is left of two runs, and what differs between them."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from pypedream.engine.account_in_memory import account_of
from pypedream.engine.account_recorded import recorded_account
from pypedream.engine.diff import run_diff
from pypedream.engine.history import LAST, UNKNOWN, recorded_run, recorded_runs
from pypedream.errors import StoreError
from pypedream.store.blind_spots import blind_spots

if TYPE_CHECKING:
    from pypedream.engine.account import Account
    from pypedream.engine.diff import RunDiff
    from pypedream.engine.history import RecordedRun
    from pypedream.engine.run import Run


def compared(run: Run, other: Run | str) -> RunDiff:
    """Say what changed from a run that is in memory to another one."""
    after = _named(run, other) if isinstance(other, str) else account_of(other)
    return run_diff(account_of(run), after, partial(_blind_spots_in, run))


def _named(run: Run, name: str) -> Account:
    workspace = run.plan.options.workspace
    if workspace is None:
        raise StoreError(
            f'no run "{name}" can be looked for: run {run.id} has no workspace; give the Run itself'
        )
    return recorded_account(recorded_run(workspace, name))


def compared_records(
    workspace: str | os.PathLike[str], first: str = LAST, second: str | None = None
) -> RunDiff:
    """Say what changed from one recorded run to another.

    Parameters
    ----------
    second
        None means the newest other run of the same pipeline; then the older one is the first.

    Raises
    ------
    StoreError
        If there is no such run.
    """
    before = recorded_run(workspace, first)
    if second is None:
        before, after = sorted((before, _newest_other(workspace, before)), key=lambda run: run.id)
    else:
        after = recorded_run(workspace, second)
    return run_diff(recorded_account(before), recorded_account(after))


def _newest_other(workspace: str | os.PathLike[str], run: RecordedRun) -> RecordedRun:
    for other in recorded_runs(workspace):
        if run.pipeline in (other.pipeline, UNKNOWN) and other.id != run.id:
            return other
    raise StoreError(
        f'run {run.id} is the only one of pipeline "{run.pipeline}" in {os.fspath(workspace)}:'
        " name another one to compare it with"
    )


def _blind_spots_in(run: Run, stage: str) -> list[str]:
    wired = run.plan.blueprint.wiring.wires.get(stage)
    return [] if wired is None else blind_spots(wired.stage.function)
