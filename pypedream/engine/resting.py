"""Resting: what there is to be remembered of a pipeline when a run has left it up to date.

It is told from what the run saw and wrote, never from what is on the disk by now: what somebody
has changed meanwhile is then not as it is remembered.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pypedream.files.globs import expanded, matches
from pypedream.files.hashes import Member, manifest_of
from pypedream.files.lock_names import name_of
from pypedream.files.locks import LOCKS
from pypedream.files.paths import WORKSPACE, is_glob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.engine.calls import Call, Calls
    from pypedream.engine.plan import Plan
    from pypedream.engine.wiring import Wire
    from pypedream.files.stage_files import FileRef, StageFiles
    from pypedream.files.written import Written

__all__ = ["Unsettled", "calls_of", "globs_of", "states_of"]


class Unsettled(Exception):
    """A stage is not up to date, or nobody can tell without a plan whether it is."""


def calls_of(plan: Plan) -> dict[str, Call]:
    """Return the call of each stage, all of which have a key.

    Raises
    ------
    Unsettled
        If one has none, or is of a kind that the run itself decides about.
    """
    calls, found = _calls(plan), {}
    for key, wired in plan.blueprint.wiring.wires.items():
        is_cached = wired.stage.policy.cache in (None, "cached")
        if wired.over is not None or wired.condition or not is_cached:
            raise Unsettled
        found[key] = calls.last(wired)
        if not found[key].key:
            raise Unsettled
    return found


def states_of(plan: Plan, told: dict[str, Call]) -> dict[str, str]:
    """Return what has to be in each file, as `FileHashes.state` says it: locks among them.

    Raises
    ------
    Unsettled
        If the lock of a stage does not say its call, or a file would have to be two things.
    """
    states: dict[str, str] = {}
    for key, wired in plan.blueprint.wiring.wires.items():
        if wired.files is not None:
            for path, state in _of_stage(_calls(plan), wired, told[key]):
                if states.setdefault(path, state) != state:
                    raise Unsettled
    return states


def globs_of(plan: Plan, root: str) -> dict[str, list[str]]:
    """Return from each pattern to the files that it matches.

    Raises
    ------
    Unsettled
        If these are not the ones that stages have read.
    """
    globs: dict[str, list[str]] = {}
    for ref in _refs(plan):
        read = _calls(plan).read.get(ref, {})
        for pattern in filter(is_glob, ref.dep.paths if isinstance(ref.dep.paths, list) else ()):
            globs[pattern] = expanded(Path(root), pattern)
            if set(globs[pattern]) != {path for path in read if matches(pattern, path)}:
                raise Unsettled
    return globs


def _calls(plan: Plan) -> Calls:
    calls = plan.reuse.calls
    if calls is None or calls.locks is None:
        raise Unsettled
    return calls


def _refs(plan: Plan) -> Iterator[FileRef]:
    for wired in plan.blueprint.wiring.wires.values():
        yield from _refs_of(wired)


def _refs_of(wired: Wire) -> Iterator[FileRef]:
    for link in wired.links if wired.files is not None else ():
        if link.kind == "file" and link.input is not None:
            ref: FileRef = link.input.bind.source
            if not ref.dep.is_incremental:  # it is an output as well
                yield ref


def _of_stage(calls: Calls, wired: Wire, call: Call) -> Iterator[tuple[str, str]]:
    files, locks = wired.files, calls.locks
    assert files is not None
    assert locks is not None
    if files.spec.outs or files.spec.deps:
        lock = locks.of(wired)
        if lock is None or lock.key != call.key:
            raise Unsettled
        path = f"{WORKSPACE}/{LOCKS}/{name_of(wired.key)}.json"
        yield path, locks.locks(wired).digest(wired.key)
    for ref in _refs_of(wired):
        if ref not in calls.read:
            raise Unsettled
        for path, digest in calls.read[ref].items():
            ending = "/" if digest is not None and digest.is_folder else ""
            yield path.rstrip("/"), "" if digest is None else f"{digest.sha256}{ending}"
    if files.spec.outs:
        written = calls.written.get(wired.key)
        if written is None:
            raise Unsettled
        yield from _of_outputs(files, written)


def _of_outputs(files: StageFiles, written: Written) -> Iterator[tuple[str, str]]:
    for one in written.all:
        ending = "/" if one.path.endswith("/") else ""
        yield one.path.rstrip("/"), f"{one.sha256}{ending}"
    for folder in files.folders:  # nothing else is in one
        members = [
            Member(one.path.removeprefix(folder), one.sha256, one.size)
            for one in written.all
            if one.path.startswith(folder)
        ]
        yield folder.rstrip("/"), f"{sha256(manifest_of(members)).hexdigest()}/"
