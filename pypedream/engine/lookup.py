"""Lookup: which results need not be computed, and in words why the others must be.

A result is taken over when one is kept under the key of the call that would give it. What a call
depends on is known only when the results that it reads are: a stage that reads one which is still
to be computed is planned to run, and looked for again when its turn comes.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from attrs import Factory, define

from pypedream.engine.calls import Calls, identity_of, read_by, unlike_any
from pypedream.engine.explain import listed, why, why_lost
from pypedream.engine.problem import Problem
from pypedream.engine.remembered import Remembered
from pypedream.engine.result_log import latest_results
from pypedream.engine.reuse import LOOKS, Reuse, mode_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.engine.asked import Asked
    from pypedream.engine.calls import Call
    from pypedream.engine.plan import Blueprint
    from pypedream.engine.result_log import ResultLine
    from pypedream.engine.wiring import Wire
    from pypedream.store.results import Result, Results


_FEW = 10
"""So many results are looked for one by one."""


@define(eq=False, repr=False, slots=False)
class Lookup:
    """Looks for kept results, stage after stage in the order of the plan.

    Attributes
    ----------
    wanted
        The stages that are selected; of the others a result is taken over if one is there.
    skipped
        Stages that will give nothing.
    """

    base: Blueprint
    asked: Asked
    results: Results
    reuse: Reuse
    wanted: set[str]
    skipped: Mapping[str, str]
    problems: list[Problem] = Factory(list)
    _running: set[str] = Factory(set)
    _known: dict[str, Result] = Factory(dict)
    _of_groups: dict[tuple[str, str], list[str]] = Factory(dict)

    @cached_property
    def earlier(self) -> dict[str, list[ResultLine]]:
        """What the last runs recorded, by stage, the newest first; read if a reason is wanted."""
        found: dict[str, list[ResultLine]] = {}
        workspace = self.asked.options.workspace
        for line in latest_results(workspace, self.base.definition.name):
            found.setdefault(line.stage, []).append(line)
        return found

    def look(self) -> None:
        """Decide of each stage whether its result is taken over."""
        if not self.base.remembered:
            self.base.remembered.append(Remembered())
        remembered = self.base.remembered[0]  # of several threads each may have added one
        mark = self.results.mark()
        if mark is not None and mark == remembered.mark:
            self._known = remembered.results
        elif len(self.base.order) > _FEW:
            self.results.fetch(2 * len(self.base.order))
        calls = self.reuse.calls = self._calls(remembered)
        for key in self.base.order:
            if key in self.reuse.values or key in self.reuse.kept:
                self._take(self.base.wiring.wires[key], calls)
            elif key not in self.skipped:
                self._decide(self.base.wiring.wires[key], calls)
        if mark is not None and mark == self.results.mark():
            remembered.mark, remembered.results = mark, self._known
        self._drop_what_nobody_asked_for()
        if self.base.has_files and calls.locks is not None:
            self._find_what_is_overwritten(calls)
            self._find_what_is_left_behind(calls)
            wanted = (self.base.wiring.wires[key] for key in self.wanted)
            self.problems += calls.locks.strangers(wanted)

    def _take(self, wired: Wire, calls: Calls) -> None:
        """Take note of a result that is there already: given, or of the run that is resumed."""
        key, kept = wired.key, self.reuse.kept.get(wired.key)
        if kept is not None:
            calls.digests[key] = kept.identity
            calls.lost(wired, kept)
            return
        calls.digests[key] = identity_of(self.reuse.values[key]) or unlike_any()
        if wired.files is not None:
            self._running.add(key)  # what is in its files is known when they are written

    def _find_what_is_overwritten(self, calls: Calls) -> None:
        from pypedream.engine.overwritten import overwritten

        wires, running = self.base.wiring.wires, self._running & self.wanted
        found = overwritten(wires, running, self.reuse.kept, calls, self.results.store)
        self.reuse.replaced = found
        self.reuse.overwrites += map(str, found)

    def _find_what_is_left_behind(self, calls: Calls) -> None:
        wires, moved = self.base.wiring.wires, []
        assert calls.locks is not None
        for key in (*(self._running & self.wanted), *self.reuse.kept):
            files = wires[key].files
            if files is None or not files.spec.outs:
                continue
            outputs, lock = files.outputs, calls.locks.of(wires[key])
            known = () if lock is None else lock.outs
            if any(path not in outputs and not files.writes(path) for path in known):
                moved.append(key)
        if moved:
            from pypedream.engine.left_behind import left_behind

            self.reuse.notes += left_behind(wires, sorted(moved), calls)

    def _calls(self, remembered: Remembered) -> Calls:
        """Return what tells the calls of the stages."""
        stages = self.base.definition.stages
        calls = Calls(self.asked.parameters, remembered=remembered, stages=stages)
        if self.base.has_files:
            locks = calls.look_at_files(
                self.results.store, allow_missing=self.asked.options.allow_missing
            )
            locks.unreadable = self.reuse.notes
        return calls

    def _why(self, wired: Wire, call: Call, before: list[ResultLine]) -> str:
        """Return why there is no kept result: what is not as it was, or as the lock says."""
        locks = self.reuse.calls.locks if self.reuse.calls is not None else None
        if locks is not None and wired.files is not None and not before:
            changed = locks.why(wired, call)
            if changed:
                return listed(changed)
        return why(call, before, self._changes_in_group)

    def _changes_in_group(self, run: str, name: str) -> list[str]:
        """Say which names of a group of parameters are not what they were in a run."""
        if not any(each.startswith(f"{name}.") for each in self.asked.parameters.definitions):
            return []
        if (run, name) not in self._of_groups:  # many stages may read the group
            from pypedream.engine.group_changes import group_changes

            assert self.reuse.calls is not None
            found = group_changes(name, self.asked.parameters, self.asked.options.workspace, run)
            self._of_groups[run, name] = list(map(self.reuse.calls.hidden, found))
        return self._of_groups[run, name]

    def _decide(self, wired: Wire, calls: Calls) -> None:
        key, mode = wired.key, mode_of(wired, self.asked.options)
        pending = self._pending(wired) if self._running else None
        if callable(wired.stage.policy.when):
            pending = "when="  # it may read anything, so it is asked in the run
        call = calls.of(wired) if pending is None else None
        kept = self._find(call.key) if call is not None and call.key else None
        if wired.files is not None and call is not None and call.key and calls.locks is not None:
            kept = calls.locks.preferred(wired, call, kept)
        may_take = mode in LOOKS or key not in self.wanted
        lost = "" if kept is None or wired.files is None else calls.lost(wired, kept)
        if kept is not None and call is not None and may_take and not lost:
            self.reuse.kept[key] = kept
            calls.taken[key] = call
            calls.digests[key] = kept.identity
            self.reuse.reasons[key] = kept.unchanged
            return
        self._running.add(key)
        if key in self.wanted:
            self._explain(wired, mode, call, kept, pending, lost)

    def _kept_items(self, wired: Wire, mode: str, call: Call | None) -> tuple[int, int]:
        """Return how many items of a mapped stage are kept, and how many it has, if few."""
        if wired.over is None or call is None or mode not in LOOKS:
            return 0, 0
        from pypedream.engine.items_planned import kept_items

        return kept_items(wired, call, self.asked.parameters, self.results)

    def _pending(self, wired: Wire) -> str | None:
        """Return a stage that is read and is still to be computed, if there is one."""
        for link in (*wired.links, *wired.condition):
            for need in link.reads:
                if need in self._running and (link.kind != "file" or self._will_be_written(need)):
                    return need
        return None

    def _will_be_written(self, key: str) -> bool:
        """Say whether a stage will write its files: one that is not selected leaves them."""
        return key in self.wanted or key in self.reuse.values

    def _find(self, key: str) -> Result | None:
        found = self._known.get(key)
        if found is None:
            found = self.results.find(key)
            if found is not None:
                self._known[key] = found
        return found

    def _drop_what_nobody_asked_for(self) -> None:
        wires = self.base.wiring.wires
        running = self._running & self.wanted
        read = {need for key in running for need in read_by(wires[key])}
        for key in self.reuse.kept.keys() - self.wanted - read:
            self.reuse.spare[key] = self.reuse.kept.pop(key)
            del self.reuse.reasons[key]

    def _explain(
        self,
        wired: Wire,
        mode: str,
        call: Call | None,
        kept: Result | None,
        pending: str | None,
        lost: str = "",
    ) -> None:
        key, before = wired.key, self.earlier.get(wired.key, [])
        if before:
            self.reuse.expected[key] = before[0].duration_s
        if mode in ("off", "force"):
            reason = f'cache="{mode}"'
            if kept is not None and mode == "force":
                self.reuse.overwrites.append(f'result of stage "{key}" (run {kept.about["run"]})')
        elif lost:
            self.reuse.lost.append(lost)
            reason = why_lost(lost)
        elif call is None:
            how = "is given" if pending in self.reuse.values else "runs"
            reason = f'needs "{pending}", which {how}' if pending != "when=" else ""
        else:
            reason = self._why(wired, call, before)
        kept_items, items = self._kept_items(wired, mode, call)
        if kept_items:
            reason = f"{reason}; {kept_items:,} of {items:,} items are kept"
        if reason:
            self.reuse.rerun[key] = reason
        is_all_kept = kept_items == items > 0
        if mode == "read-only" and call is not None and not is_all_kept:
            what = f'stage "{key}": cache="read-only" and no result of it is kept: {reason}'
            self.problems.append(Problem(what, wired.place, 'run it once with cache="cached"'))
