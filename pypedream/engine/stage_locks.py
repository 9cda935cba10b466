"""Stage locks: what a stage wrote counts as a kept result where its lock says so.

A lock goes with the code, by git: so in a fresh clone nothing is computed whose outputs are there,
or are in the store. Where a lock and the store say otherwise, the lock is right: it is of the
revision that is checked out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import Factory, define

from pypedream.engine.calls import digest_of, digest_of_loader
from pypedream.engine.problem import Problem
from pypedream.errors import StoreError
from pypedream.files.locked import dep_locks, differences, out_locks, written_in
from pypedream.files.locks import Lock, Locks, ParamLock
from pypedream.files.paths import WORKSPACE
from pypedream.files.written import MARK
from pypedream.store.entry import NO_METADATA, Entry
from pypedream.store.identity import CodeIdentity, changes
from pypedream.store.results import Result
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.engine.calls import Call, Calls
    from pypedream.engine.links import Link
    from pypedream.engine.plan import Plan
    from pypedream.engine.wiring import Wire
    from pypedream.files.locks import DepLock, OutLock
    from pypedream.files.spec import FileDep, FileOut
    from pypedream.files.stage_files import StageFiles
    from pypedream.files.written import Written

LOCKED = "unchanged since its lock"
_LONGEST = 200
_PLAIN = (bool, int, float, str, type(None))


@define(eq=False, repr=False)
class StageLocks:
    """The locks of the stages of one plan, each read once.

    Attributes
    ----------
    unreadable
        Gets a line for each lock that cannot be read.
    """

    calls: Calls
    unreadable: list[str] = Factory(list)
    _read: dict[str, Lock | None] = Factory(dict)
    _by_key: dict[str, dict[str, Lock]] = Factory(dict)
    _in_roots: dict[str, Locks] = Factory(dict)
    _gone: dict[str, list[Lock]] = Factory(dict)

    def locks(self, wired: Wire) -> Locks:
        """Return the locks of the project of a stage."""
        assert wired.files is not None
        root = wired.files.root
        if root not in self._in_roots:
            self._in_roots[root] = Locks(Path(root, WORKSPACE))
        return self._in_roots[root]

    def of(self, wired: Wire) -> Lock | None:
        """Return the lock of a stage; None if there is none that can be read."""
        if wired.key not in self._read:
            try:
                self._read[wired.key] = self.locks(wired).read(wired.key)
            except StoreError as error:
                self._read[wired.key] = None
                self.unreadable.append(str(error))
        return self._read[wired.key]

    def preferred(self, wired: Wire, call: Call, kept: Result | None) -> Result | None:
        """Return the result that counts for a call: the one that its lock names, or else *kept*."""
        assert wired.files is not None
        if not wired.files.spec.outs:
            return kept
        lock = self.of(wired)
        if (lock is None or lock.key != call.key) and kept is None:
            lock = self._of_call(wired, call)
        if lock is None or lock.key != call.key:
            return kept
        written = written_in(lock, wired.files)
        if written is None or (kept is not None and kept.identity == written.identity):
            return kept
        assert self.calls.files is not None
        is_lost = bool(self.calls.files.lost(wired.files.root, written))
        return kept if is_lost and kept is not None else _result(call.key, written)

    def _of_call(self, wired: Wire, call: Call) -> Lock | None:
        """Return a lock that another stage had for the same call, as before it was renamed."""
        assert wired.files is not None
        root = wired.files.root
        if root not in self._by_key:
            self._by_key[root] = {
                lock.key: lock for lock in self.locks(wired).readable() if lock.key
            }
        return self._by_key[root].get(call.key)

    def why(self, wired: Wire, call: Call) -> list[str]:
        """Return in words why the lock of a stage is not that of a call; [] without one."""
        lock = self.of(wired)
        if lock is None or not call.key or lock.key == call.key:
            return []
        before = CodeIdentity("of the lock", lock.code)
        is_same = dict(lock.code) == dict(call.code.parts)
        found = [] if is_same else changes(before, call.code)
        return [*found, *differences(lock, self._lock(wired, call))]

    def write(
        self, wired: Wire, call: Call, written: Written | None, *, is_shared: bool
    ) -> list[str]:
        """Write down what a stage was called with and what it wrote, if its lock says otherwise.

        Locks that name these outputs, too, and are of stages that are not there any more, go.

        Parameters
        ----------
        is_shared
            Whether others may take it over: what the call depends on is known.

        Returns
        -------
        The stages whose locks are gone.
        """
        assert wired.files is not None
        if not (wired.files.spec.outs or wired.files.spec.deps):
            return []
        key, before = call.key if is_shared else "", self.of(wired)
        outs = {} if written is None else out_locks(written, wired.files)
        if before is not None and key and before.key == key and before.outs == outs:
            return []
        lock = self._lock(wired, call, key, outs)
        self.locks(wired).write(lock)
        self._read[wired.key] = lock
        return self._superseded(wired, lock)

    def _gone_from(self, files: StageFiles) -> list[Lock]:
        """Return the locks of stages of a pipeline that it does not have any more."""
        if files.root not in self._gone:
            others = Locks(Path(files.root, WORKSPACE)).others(self.calls.stages)
            self._gone[files.root] = list(others)
        return [lock for lock in self._gone[files.root] if lock.pipeline == files.pipeline]

    def strangers(self, wires: Iterable[Wire]) -> Iterator[Problem]:
        """Yield the stages whose locks are of other pipelines' stages, which write other files."""
        for wired in wires:
            files = wired.files
            lock = None if files is None or not files.spec.outs else self.of(wired)
            if lock is None or files is None or lock.pipeline in ("", files.pipeline):
                continue
            if lock.outs and not any(map(files.writes, lock.outs)):
                other = f'the pipeline "{lock.pipeline}" of this project'
                what = f'{other} has one of this name, which writes "{next(iter(lock.outs))}"'
                path = self.locks(wired).path(wired.key).relative_to(files.root).as_posix()
                hint = f"give this one another name=, or delete {path} if that is there no more"
                yield Problem(f'stage "{wired.key}": {what}', wired.place, hint)

    def _superseded(self, wired: Wire, lock: Lock) -> list[str]:
        assert wired.files is not None
        locks = self.locks(wired)
        found = [
            each
            for each in self._gone_from(wired.files)
            if not lock.outs.keys().isdisjoint(each.outs)
        ]
        for each in found:
            locks.remove(each.stage)
            self._gone[wired.files.root].remove(each)
        return [each.stage for each in found]

    def _lock(
        self, wired: Wire, call: Call, key: str = "", outs: dict[str, OutLock] | None = None
    ) -> Lock:
        assert wired.files is not None
        spec = wired.files.spec
        deps: dict[str, DepLock] = {}
        for link in wired.links:
            if link.kind == "file" and link.input is not None:
                deps |= dep_locks(self.calls.read.get(link.input.bind.source, {}))
        params = {name: each for link in wired.links for name, each in self.params_of(link)}
        sides: dict[str, FileDep | FileOut] = {**spec.outs, **spec.deps}
        return Lock(
            wired.key,
            key,
            wired.files.pipeline,
            code=dict(call.code.parts),
            params=params,
            loaders={name: digest_of_loader(side.loader) for name, side in sides.items()},
            deps=deps,
            outs=outs or {},
        )

    def params_of(self, link: Link) -> Iterator[tuple[str, ParamLock]]:
        """Yield what a lock says of the parameters that an argument is, each field of a group."""
        parameters = self.calls.parameters
        for name, definition in parameters.definitions.items():
            is_read = name == link.name or name.startswith(f"{link.name}.")
            if link.kind == "parameter" and is_read and name in parameters.given:
                value = parameters.given[name]
                shown = "***" if definition.is_hidden else self.calls.hidden(short(value, _LONGEST))
                is_told = definition.is_hidden or isinstance(value, _PLAIN)
                is_told = is_told and len(shown) < _LONGEST
                yield name, ParamLock(shown, "" if is_told else digest_of(value))


def parameters_now(plan: Plan) -> dict[str, Mapping[str, ParamLock]]:
    """Return what the locks of stages would say of their parameters after a run of *plan*."""
    calls, wires = plan.reuse.calls, plan.blueprint.wiring.wires
    locks = None if calls is None else calls.locks
    if locks is None:
        return {}
    return {
        key: dict(each for link in wired.links for each in locks.params_of(link))
        for key, wired in wires.items()
        if wired.files is not None
    }


def _result(key: str, written: Written) -> Result:
    about = {MARK: written.about(), "run": "", "identity": written.identity}
    entry = Entry(f"result/{key}", written.identity, 0, "json", NO_METADATA, 0.0, 0.0)
    return Result(key, written.identity, about, entry, LOCKED)
