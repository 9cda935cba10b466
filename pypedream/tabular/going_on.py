"""Going on: which steps of a run are to be called, and with which version each file begins.

A step gets what the steps before it left, in the order of registration. So when one is called
again, all that came after it on one of its files is, too, and the file is first put back to what
that step began with. What a step did that is not in the pipeline any more is undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from pypedream import graph
from pypedream.errors import MissingRows, TableRunError
from pypedream.formats.replacement import UNFINISHED
from pypedream.store.disk import remove_tree
from pypedream.tabular.astro_file import INGESTED
from pypedream.tabular.filters import FILTERED
from pypedream.tabular.identity_stage import forget_step
from pypedream.tabular.manifest import RunStatus, StepState, StepStatus, write_manifest
from pypedream.tabular.quarantine import QUARANTINE
from pypedream.tabular.versions import restore_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pypedream.tabular.manifest import Manifest
    from pypedream.tabular.steps import StepDefinition

__all__ = ["SNAPSHOTS", "needs_of", "prepare", "steps_to_call"]

SNAPSHOTS = "snapshots"
_NOT_COMMITTED = float("inf")


def needs_of(steps: Iterable[StepDefinition]) -> dict[str, tuple[str, ...]]:
    """Return for each step those that have to have ended before it.

    These are the steps that it depends on, and of each of its files the last one before it.
    """
    needs: dict[str, tuple[str, ...]] = {}
    last: dict[str, str] = {}
    for step in steps:
        before = [last[name] for name in step.file_names if name in last]
        needs[step.step_id] = tuple(dict.fromkeys([*step.depends_on, *before]))
        last.update(dict.fromkeys(step.file_names, step.step_id))
    return needs


def steps_to_call(
    steps: Sequence[StepDefinition], manifest: Manifest, again: Iterable[str] = ()
) -> set[str]:
    """Return the steps that are not done, and those that have to be done again after them.

    Parameters
    ----------
    again
        Steps that are to be called in any case.
    """
    states = {step.step_id: manifest.step(step.step_id) for step in steps}
    start = {key for key, state in states.items() if not state.status.is_done}
    start.update(key for key in again if key in states)
    gone = _gone_since(steps, manifest)
    for step in steps:
        number = states[step.step_id].number
        if any(gone.get(name, number) < number for name in step.file_names):
            start.add(step.step_id)
    return graph.reach(start, graph.children_of(needs_of(steps)))


def prepare(
    folder: Path, manifest: Manifest, steps: Sequence[StepDefinition], called: set[str]
) -> Manifest:
    """Put each file back to what the first of the steps that are called begins with.

    A kill at any moment of this does no harm: the next one who prepares finds the same, whatever
    he is asked for.

    Returns
    -------
    What is known of the run now; it is written to the disk.

    Raises
    ------
    TableRunError
        If a file was written into, so that nothing is there to begin with.
    MissingRows
        If what a step began with is gone.
    """
    _refuse_damaged(manifest)
    order = [step.step_id for step in steps]
    undone = [
        *(key for key in manifest.steps if key not in order),
        *filter(called.__contains__, order),
    ]
    firsts = {name: _first_version(folder, manifest, undone, name) for name in manifest.files}
    ready = _begun(folder, manifest, undone)
    for name, key in firsts.items():
        if key is not None:
            ready = _put_back(folder, ready, key, name)
    _remove(folder, undone, but=firsts)
    steps_now = {key: ready.step(key) for key in order if key not in called}
    ready = evolve(ready, steps={key: steps_now.get(key) or StepState() for key in order})
    if called and ready.status is RunStatus.COMPLETED:
        ready = evolve(ready, status=RunStatus.INGESTED)
    if ready != manifest:
        write_manifest(ready, folder)
    _remove(folder, undone, but={})
    return ready


def _gone_since(steps: Sequence[StepDefinition], manifest: Manifest) -> dict[str, int]:
    """Return from each file to the first step that changed it and is not in the pipeline now."""
    there = {step.step_id for step in steps}
    first: dict[str, int] = {}
    for key, state in manifest.steps.items():
        if key not in there and state.number:
            for name in state.inputs:
                first[name] = min(state.number, first.get(name, state.number))
    return first


def _first_version(folder: Path, manifest: Manifest, undone: list[str], name: str) -> str | None:
    """Return which step has kept the version of a file from before all that is undone."""

    def number(key: str) -> float:
        return manifest.step(key).number or _NOT_COMMITTED

    there = [key for key in undone if _kept(folder, key, name).is_file()]
    begun = [key for key in undone if name in manifest.step(key).inputs]
    first = min(begun, key=number, default=None)
    if first is not None and first not in there:
        raise MissingRows(
            f'run "{manifest.run_id}": the rows of "{name}" from before step "{first}", which is to'
            f" be called again, are gone: {_kept(folder, first, name)} is not there; ingest again"
        )
    return min(there, key=number, default=None)


def _begun(folder: Path, manifest: Manifest, undone: list[str]) -> Manifest:
    """Write down that steps which were done are not any more, before their files are put back."""
    again = {
        key: evolve(state, status=StepStatus.PENDING)
        for key, state in manifest.steps.items()
        if key in undone and state.status.is_done
    }
    if not again:
        return manifest
    begun = evolve(manifest, steps={**manifest.steps, **again}, status=RunStatus.INGESTED)
    write_manifest(begun, folder)
    return begun


def _put_back(folder: Path, manifest: Manifest, key: str, name: str) -> Manifest:
    path, usual = manifest.step(key).inputs.get(name), f"{INGESTED}/{name}.parquet"
    if path is None:
        path = manifest.files[name].active_path
    elif any(path == each.active_path for other, each in manifest.files.items() if other != name):
        path = usual  # another file has its rows there by now
    # Of another path nobody knows whether a step writes into it, so it gets a copy.
    is_ours = path == usual
    restore_version(_kept(folder, key, name), folder / path, may_link=is_ours)
    return manifest.with_file(name, active_path=path, is_ours=is_ours)


def _remove(folder: Path, undone: list[str], but: Mapping[str, str | None]) -> None:
    """Remove what steps have kept beside the files, but the versions that are needed still."""
    for key in undone:
        for path in (folder / SNAPSHOTS / key).glob("*.parquet"):
            if but.get(path.stem) != key:
                path.unlink()
        if not but:
            forget_step(folder, key)
            for place in (QUARANTINE, FILTERED, SNAPSHOTS):
                remove_tree(folder / place / key)
    if not but:
        for path in folder.rglob(f"{UNFINISHED}*"):
            path.unlink()


def _refuse_damaged(manifest: Manifest) -> None:
    for name, state in manifest.files.items():
        if state.damaged_by is not None:
            raise TableRunError(
                f'step "{state.damaged_by}" wrote into "{name}" instead of saving it, so what the'
                f" rows were is lost: let the step save through the AstroFile, and ingest again"
            )


def _kept(folder: Path, key: str, name: str) -> Path:
    return folder / SNAPSHOTS / key / f"{name}.parquet"
