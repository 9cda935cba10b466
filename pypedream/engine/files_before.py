"""Files before a run: what a crash or a user left, and values that are given in their place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pypedream.engine.file_keeping import gave
from pypedream.files.locks import Locks
from pypedream.files.paths import WORKSPACE
from pypedream.files.saving import save
from pypedream.files.staging import recover

if TYPE_CHECKING:
    from pypedream.engine.execution import Execution
    from pypedream.engine.keeping import Keeper
    from pypedream.engine.plan import Plan
    from pypedream.engine.wiring import Wire


def finish_files(plan: Plan, *, is_kept: bool) -> None:
    """Put in place, or remove, the outputs that a crash left.

    Parameters
    ----------
    is_kept
        Whether the run keeps results, and so writes locks.
    """
    roots = {each.files.root for each in plan.blueprint.wiring.wires.values() if each.files}
    for root in roots:
        if Path(root, WORKSPACE).is_dir():
            recover(Path(root, WORKSPACE), root)
    if not is_kept:
        _drop_locks(plan)


def _drop_locks(plan: Plan) -> None:
    """Remove the locks of stages that go on from what they wrote, as the run writes no new ones.

    What they add would be lost to the next run, which goes on from what the lock says.
    """
    for key in plan.chosen:
        files = plan.blueprint.wiring.wires[key].files
        if files is not None and files.goes_on_from:
            Locks(Path(files.root, WORKSPACE)).remove(key)


def keep_others(plan: Plan, keeper: Keeper) -> list[tuple[str, str]]:
    """Keep copies of files that the run replaces or removes, and that its stages did not write.

    Returns
    -------
    For each the stage, and what to say of it.
    """
    wires: dict[str, Wire] = {}
    if plan.reuse.calls is None:  # nobody looked; to make a folder anew takes away what is in it
        wires = {
            key: wired
            for key, wired in plan.blueprint.wiring.wires.items()
            if wired.files is not None and wired.files.folders
        }
    if wires or plan.reuse.replaced:
        from pypedream.engine.replaced import keep_replaced

        return keep_replaced(plan, keeper, wires)
    return []


def save_given(execution: Execution) -> None:
    """Write values that were given in place of a stage to its files: others read them there."""
    plan = execution.plan
    for key in plan.selection.given:
        wired = plan.blueprint.wiring.wires[key]
        if wired.files is not None and wired.files.spec.outs:
            written: Any = save(wired.files, execution.values[key])
            if execution.keeper is not None:
                written = gave(execution.keeper, wired, written)
            execution.values[key] = written
