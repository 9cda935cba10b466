"""Readiness: which stages can start, which never will, and which results nobody needs any more."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from attrs import Factory, define

from pypedream.engine.ranking import insert

if TYPE_CHECKING:
    from pypedream.engine.execution import Execution
    from pypedream.engine.wiring import Wire

_AFTER = {
    "failed": "failed",
    "timeout": "took too long",
    "killed": "was killed",
    "blocked": "could not run",
    "cancelled": "was cancelled",
    "interrupted": "was interrupted",
}


@define(eq=False, repr=False)
class Readiness:
    """Follows one execution: what it is told of each stage that ended decides what comes next.

    Attributes
    ----------
    ready
        Stages that can start, the first of rank first. Where one runs at a time these are all of
        them, in order: what a stage needs has ended when its turn comes.
    missing
        Stages that will have no result: skipped, failed, or blocked by those.
    """

    execution: Execution
    _wires: dict[str, Wire]
    ready: deque[Wire] = Factory(deque)
    missing: set[str] = Factory(set)
    _waiting: dict[str, int] = Factory(dict)
    _readers: dict[str, int] = Factory(dict)
    _children: dict[str, list[str]] = Factory(dict)

    @classmethod
    def of(cls, execution: Execution, *, is_serial: bool) -> Readiness:
        """Return what can start at first.

        Parameters
        ----------
        is_serial
            Whether one stage runs at a time, so that the order says all.
        """
        plan = execution.plan
        found = cls(execution, plan.blueprint.wiring.wires, missing=set(plan.skipped))
        if is_serial:
            found._follow_order()
        else:
            found._count_needs()
        if plan.options.keep != "all":
            found._count_readers()
        return found

    @property
    def is_unhindered(self) -> bool:
        """Whether a stage at the head of the order can be called without a decision."""
        return not (self._waiting or self._readers or self.missing)

    @property
    def is_serial(self) -> bool:
        """Whether the next stage may need what is called now."""
        return not self._waiting

    def go_on(self, key: str) -> None:
        """Let go of what *key* was the last to read, and see what is ready now."""
        if self._readers:
            self._release(key, self._wires[key].needs)
        if not self._waiting:
            return
        waiting, ready = self._waiting, []
        for child in self._children[key]:
            if child in waiting:
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(self._wires[child])
        if ready:
            insert(self.ready, ready, self.execution.ranks)

    def lack(self, wired: Wire) -> tuple[str, str] | None:
        """Say in which state and why a stage cannot run for want of another; None if it can."""
        ended = self.execution.ended
        for need in wired.needs:
            if need in self.missing and ended[need].state not in ("skipped", "ok"):
                return "blocked", f'needs "{need}", which {_AFTER[ended[need].state]}'
        for link in wired.links:
            if link.kind == "stage" and link.is_required and link.name in self.missing:
                return "skipped", f'needs "{link.name}", which was skipped'
        return None

    def _follow_order(self) -> None:
        plan = self.execution.plan
        order, wires = plan.blueprint.order, self._wires
        is_whole = len(plan.chosen) == len(order)
        keys = order if is_whole else [key for key in order if key in plan.chosen]
        self.ready.extend(map(wires.__getitem__, keys))

    def _count_needs(self) -> None:
        plan = self.execution.plan
        wires, chosen = self._wires, plan.chosen
        self._children = plan.blueprint.children
        if len(chosen) == len(wires):  # the usual case, for a third of the price
            self._waiting = {key: len(wired.needs) for key, wired in wires.items()}
        else:
            self._waiting = {
                key: len(chosen.intersection(wired.needs))
                for key, wired in wires.items()
                if key in chosen
            }
        ready = [wires[key] for key, count in self._waiting.items() if not count]
        insert(self.ready, ready, self.execution.ranks)

    def _count_readers(self) -> None:
        plan = self.execution.plan
        wires, keep = self._wires, plan.options.keep
        readers = dict.fromkeys(wires, 0)
        for key in plan.chosen:
            for need in wires[key].needs:
                readers[need] += 1
        if keep == "ends":
            self._readers = {key: count for key, count in readers.items() if count}
        else:
            self._readers = {key: count for key, count in readers.items() if key not in keep}

    def _release(self, key: str, needs: tuple[str, ...]) -> None:
        """Let go of the results that nobody will read any more."""
        readers = self._readers
        for need in needs:
            if need in readers:
                readers[need] -= 1
        for one in (key, *needs):
            if readers.get(one) == 0:
                self.execution.values.pop(one, None)
                self.execution.mapped.pop(one, None)
