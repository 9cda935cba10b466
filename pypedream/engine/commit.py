"""Commit: say that the outputs as they are now are those of the stages as they are now.

Whoever made a file by hand, or changed code in a way that changes nothing in what it writes, may
say so, instead of running the stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, field

from pypedream.engine.calls import read_by
from pypedream.engine.problem import Problem
from pypedream.engine.request import plan_for, request_of
from pypedream.errors import PlanError
from pypedream.files.on_disk import written_now
from pypedream.files.written import MARK, Written
from pypedream.store.results import COMMITTED, Results

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.engine.calls import Call, Calls
    from pypedream.engine.plan import Plan
    from pypedream.engine.wiring import Wire
    from pypedream.pipeline import Pipeline


def commit(pipeline: Pipeline, request: Mapping[str, Any]) -> list[str]:
    """Keep the outputs of stages as they are on the disk; return the stages of which any is new.

    Parameters
    ----------
    request
        Parameters and options as for `Pipeline.run`; "until" says of which stages, and what they
        need.

    Raises
    ------
    PlanError
        With every stage of which that cannot be said. Nothing is kept then.
    """
    plan = plan_for(
        request_of(None, {**request, "cache": "cached"}), pipeline.blueprint, pipeline.options
    )
    if plan.reuse.calls is None or plan.reuse.calls.files is None:
        return []
    results = Results(plan.options.workspace)
    try:
        found = _Commit(plan, plan.reuse.calls, results)
        found.look()
        found.keep()
    finally:
        plan.reuse.calls.files.close()
        results.close()
    return [wired.key for wired, _, _ in found.new]


@define(eq=False)
class _Commit:
    """Finds out what is to be kept, stage after stage, as each call depends on what came before.

    Attributes
    ----------
    new
        What is to be kept.
    _untold
        Stages of whose results nothing can be told, and whether that is a problem already.
    """

    plan: Plan
    calls: Calls
    results: Results
    new: list[tuple[Wire, Call, Written]] = field(factory=list, init=False)
    _untold: dict[str, bool] = field(factory=dict, init=False)
    _problems: list[Problem] = field(factory=list, init=False)

    def look(self) -> None:
        """Decide of each stage; raise if there is one of which nothing can be told."""
        base = self.plan.blueprint
        wanted = {*self.plan.chosen, *self.plan.reuse.kept}
        for key in base.order:
            if key in wanted:
                self._look_at(base.wiring.wires[key])
        if self._problems:
            raise PlanError(self.plan.pipeline, self._problems)

    def keep(self) -> None:
        """Keep what was found."""
        assert self.calls.files is not None
        assert self.calls.locks is not None
        self.calls.files.store = self.results.store
        for wired, call, written in self.new:
            assert wired.files is not None
            self.calls.files.keep(wired.files.root, written)
            about = {
                "pipeline": self.plan.pipeline,
                "stage": wired.key,
                "run": COMMITTED,
                "identity": written.identity,
                MARK: written.about(),
            }
            self.results.keep(call.key, written.digests, about, 0.0)
            self.calls.locks.write(wired, call, written, is_shared=True)

    def _look_at(self, wired: Wire) -> None:
        pending = next((need for need in read_by(wired) if need in self._untold), None)
        if pending is not None:
            is_told = self._untold[pending] or wired.files is None
            self._untold[wired.key] = is_told
            if not is_told:
                self._refuse(wired, f'it reads "{pending}", which has to run first')
            return
        call = self.calls.of(wired)
        kept = self.results.find(call.key) if call.key else None
        if wired.files is None or not wired.files.spec.outs:
            if kept is None:
                self._untold[wired.key] = False
            else:
                self.calls.digests[wired.key] = kept.identity
            return
        assert self.calls.files is not None
        assert self.calls.locks is not None
        kept = self.calls.locks.preferred(wired, call, kept)
        now, missing = written_now(wired.files, self.calls.files.hashes(wired.files.root))
        if missing:
            lost, many = ", ".join(f'"{path}"' for path in missing), len(missing) > 1
            what = f"{lost} {'are' if many else 'is'} not there"
            self._refuse(wired, what, f'make {"them" if many else "it"}, or run "repro"')
            return
        if not call.key:
            self._refuse(wired, call.unknown)
            return
        self.calls.written[wired.key] = now
        self.calls.digests[wired.key] = now.identity
        if kept is None or kept.identity != now.identity:
            self.new.append((wired, call, now))

    def _refuse(self, wired: Wire, what: str, hint: str = "") -> None:
        self._untold[wired.key] = True
        self._problems.append(Problem(f'stage "{wired.key}": {what}', wired.place, hint))
