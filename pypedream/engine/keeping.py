"""Keeping: what a stage gave is written to the store of the workspace before it counts as done.

Before a stage is called its result is looked for, as what it reads is known only now. Of all
threads and processes that want the same result one computes it.
"""

from __future__ import annotations

from collections import deque
from contextlib import nullcontext
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream import context
from pypedream.deferred import Deferred
from pypedream.engine.asked_before import holds_secret, keep_values
from pypedream.engine.calls import Calls, identity_of, read_by, unlike_any
from pypedream.engine.result_log import FILE, FailedCall, ResultLine, ResultLog
from pypedream.engine.reuse import LOOKS, READ_ONLY, Taken, mode_of
from pypedream.engine.views import Values
from pypedream.errors import MissingEntry, UnreadableResult, UnsafePayload
from pypedream.outputs import RETURN
from pypedream.store.corruption import Damaged
from pypedream.store.results import Result, Results, Unstorable
from pypedream.values import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pypedream.engine.calls import Call
    from pypedream.engine.execution import Execution
    from pypedream.engine.item_keeping import ItemKeeper
    from pypedream.engine.options import Options
    from pypedream.engine.plan import Plan
    from pypedream.engine.wiring import Wire
    from pypedream.log.event_log import EventLog
    from pypedream.parameters import Parameters
    from pypedream.store.claims import Claim

FILES = "files"
"""Is recorded with a result that is files: which, and what was in them."""
MARK = "by_items"
"""Is recorded with a result that is kept as the keys of its items: how deep they are in it."""
PAUSE_S = 0.05
"""How long an async stage waits before it looks again whether another one is done."""


PATIENCE_S = 1.0
"""How long a stage waits for another run before it says so."""


@define(eq=False, repr=False)
class Keeper:
    """Keeps what the stages of one run give, and takes over what is kept already.

    Attributes
    ----------
    pipeline, run
        Name of the pipeline and id of the run.
    record
        Where it is written down what each stage gave.
    is_resuming
        Whether the run goes on from another one.
    unstated
        The stages that used something of the run which their inputs do not say.
    incomplete
        The mapped stages some of whose items failed, though they gave something.
    """

    results: Results
    calls: Calls
    options: Options
    pipeline: str
    run: str
    log: EventLog
    record: ResultLog
    is_resuming: bool = False
    unstated: set[str] = Factory(set)
    incomplete: set[str] = Factory(set)
    _is_over: bool = False

    def result(self, wired: Wire, compute: Callable[[ItemKeeper | None], Any]) -> Any:
        """Return what *compute* gives, or `Taken` if that is kept.

        *compute* gets what keeps the items of a mapped stage.
        """
        call = self.calls.of(wired)
        if not self._is_shared(wired, call):
            return self._computed(wired, call, compute)
        found = self._taken_or_refused(wired, call)
        if found is not None:
            return found
        if not self.is_kept(wired):  # there is nothing to claim
            return self._computed(wired, call, compute)
        for patience_s in (PATIENCE_S, None):
            with (claim := self.results.claim(call.key, patience_s)) as is_ours:
                if is_ours:
                    found = self._taken(wired, call, is_again=True)
                    return found or self._computed(wired, call, compute, claim)
            self._say_that_it_waits()
        raise AssertionError("a claim without a limit is given")

    async def result_async(self, wired: Wire, compute: Callable[[ItemKeeper | None], Any]) -> Any:
        """Return what *compute* gives when awaited, or `Taken`; others go on meanwhile."""
        from asyncio import sleep

        call, began = self.calls.of(wired), perf_counter()
        if not self._is_shared(wired, call):
            return await self._awaited(wired, call, compute)
        has_said = False
        while True:
            found = self._taken_or_refused(wired, call)
            if found is not None:
                return found
            if not self.is_kept(wired):
                return await self._awaited(wired, call, compute)
            with (claim := self.results.claim(call.key, 0)) as is_ours:
                if is_ours:
                    found = self._taken(wired, call, is_again=True)
                    if found is not None:
                        return found
                    return await self._awaited(wired, call, compute, claim)
            if not has_said and perf_counter() - began > PATIENCE_S:
                self._say_that_it_waits()
                has_said = True
            await sleep(PAUSE_S)

    def _say_that_it_waits(self) -> None:
        text = "another run is at work on this: waiting for what that gives"
        self.log.add("log", text, attempt=context.STAGE.get())

    def load(self, key: str, result: Result) -> Any:
        """Return the value of a kept result.

        Raises
        ------
        UnreadableResult
            If it is damaged, or made of what is not there any more.
        """
        try:
            value = self.results.load(result)
            depth = result.about.get(MARK)
            if depth is None:
                return value
            from pypedream.engine.item_results import from_keys

            return from_keys(self.results, value, depth)
        except (UnsafePayload, MemoryError):
            raise
        except Damaged as damage:
            raise UnreadableResult(
                f'the kept result of stage "{key}" is {damage.reason}'
            ) from damage
        except Exception as error:
            what = f"{type(error).__name__}: {one_line(str(error))}"
            raise UnreadableResult(
                f'the kept result of stage "{key}" cannot be read: {what}'
            ) from error
        finally:
            if self._is_over:  # somebody looks at the run afterwards
                self.results.close()

    def took_over(self, kept: Iterable[tuple[Wire, Result]]) -> None:
        """Write down the results that the plan took over."""
        remembered, texts = self.calls.remembered, [self._text_of(*each) for each in kept]
        if texts != remembered.texts:
            remembered.texts, remembered.block = texts, "".join(texts)
        self.record.add([remembered.block])

    def changed(self, key: str, value: Any, output: str) -> None:
        """Take note that what a stage gave was changed in place: it is another value now."""
        is_whole = output == RETURN
        self.calls.digests[key] = (identity_of(value) if is_whole else "") or unlike_any()

    def put_back(self, wired: Wire, found: Result, call: Call) -> Any:
        """Return what a stage wrote, its files made again where they are not as they were."""
        return self._of_files.put_back(self, wired, found, call)

    def note(self, key: str) -> None:
        """Take note that a stage used what its inputs do not say."""
        self.unstated.add(key)

    def close(self) -> None:
        """Let go of files."""
        self._is_over = True
        if self.calls.files is not None:
            self.calls.files.close()
        self.results.close()
        self.record.close()

    def _is_shared(self, wired: Wire, call: Call) -> bool:
        """Say whether a result of another run may be taken over."""
        mode = mode_of(wired, self.options)
        return mode in LOOKS and (bool(call.key) or mode == READ_ONLY)

    def _taken_or_refused(self, wired: Wire, call: Call) -> Taken | None:
        found = self._taken(wired, call)
        if found is None and wired.over is None:  # items may be kept though the whole is not
            self._refuse_to_call(wired, call)
        return found

    def _refuse_to_call(self, wired: Wire, call: Call) -> None:
        """Raise if only kept results may be used."""
        if mode_of(wired, self.options) == READ_ONLY:
            what = call.unknown or "no result of it is kept for these inputs"
            raise MissingEntry(f'stage "{wired.key}": cache="{READ_ONLY}" and {what}')

    def _taken(self, wired: Wire, call: Call, *, is_again: bool = False) -> Taken | None:
        """Return what is kept; *is_again* if it was looked for a moment ago, in vain."""
        found = self.results.find(call.key) if call.key else None
        if wired.files is not None and call.key and self.calls.locks is not None:
            found = self.calls.locks.preferred(wired, call, found)
        if found is None:
            return None
        try:
            if FILES in found.about:
                value = self.put_back(wired, found, call)
            else:
                value = self.load(wired.key, found)
        except UnreadableResult as error:
            if not is_again:
                self.warn(f"{error}; it is called again")
            return None
        self.calls.digests[wired.key] = found.identity
        self.record.add([self._line(wired, "reused", found, call).text()])
        run = found.about["run"]
        return Taken(value, f"its inputs are those of {f'run {run}' if run else 'its lock'}")

    def _computed(
        self,
        wired: Wire,
        call: Call,
        compute: Callable[[ItemKeeper | None], Any],
        claim: Claim | None = None,
    ) -> Any:
        started = self._begun(wired)
        try:
            items = self._items_of(wired, call)
            value = compute(items)
            if wired.files is not None:
                value = self._of_files.with_copies(self, value)
        except BaseException:
            self._failed(wired, call)
            raise
        self._keep(wired, call, value, perf_counter() - started, items, claim)
        return value

    async def _awaited(
        self,
        wired: Wire,
        call: Call,
        compute: Callable[[ItemKeeper | None], Any],
        claim: Claim | None = None,
    ) -> Any:
        started = self._begun(wired)
        try:
            items = self._items_of(wired, call)
            value = await compute(items)
            if wired.files is not None:
                value = self._of_files.with_copies(self, value)
        except BaseException:
            self._failed(wired, call)
            raise
        self._keep(wired, call, value, perf_counter() - started, items, claim)
        return value

    def _begun(self, wired: Wire) -> float:
        self.unstated.discard(wired.key)  # binding its arguments is not its own doing
        if wired.files is not None and wired.files.goes_on_from:
            self._of_files.go_on(self, wired)
        return perf_counter()

    def _failed(self, wired: Wire, call: Call) -> None:
        self.record.add([FailedCall(wired.key, call).text()])

    def _keep(
        self,
        wired: Wire,
        call: Call,
        value: Any,
        took: float,
        items: ItemKeeper | None,
        claim: Claim | None,
    ) -> None:
        key = call.key
        if wired.key in self.incomplete:  # its items are kept, but for those to be called again
            self.calls.digests[wired.key] = unlike_any()
            self._failed(wired, call)
            return
        has_moved = wired.files is not None and self._of_files.has_moved(self, wired)
        if not key or wired.key in self.unstated or has_moved:
            # only this run can be resumed with it
            key = f"of-run/{self.run}/{unlike_any()}"
        identity = identity_of(value) or f"of call {key}"
        kept_as = ""
        if self.is_kept(wired) and self.is_secret(value):
            self.warn("its result is not kept: it holds a secret")
        elif self.is_kept(wired):
            about = {"pipeline": self.pipeline, "stage": wired.key, "run": self.run}
            kept, form = _form_of(items, value)
            try:
                with self._together(value):
                    if isinstance(value, Deferred):
                        kept, form = self._of_files.keep_files(self, wired, value)
                    self.results.keep(key, kept, {**about, **form, "identity": identity}, took)
                    if claim is not None:  # who waits has no more to wait for
                        claim.release()
                kept_as = key
            except Unstorable as error:
                self.warn(f"its result cannot be kept: {error}")
        if wired.files is not None and self.is_kept(wired):
            self._of_files.lock(self, wired, call, value, is_shared=key == call.key)
        self.calls.digests[wired.key] = identity
        line = ResultLine(wired.key, "ok", kept_as, identity, self.run, took, call)
        self.record.add([line.text()])

    def _together(self, value: Any) -> AbstractContextManager[None]:
        """Let what a stage wrote be kept at once with its result, where that takes no time."""
        is_small = isinstance(value, Deferred) and self._of_files.is_small(value)
        return self.results.batch() if is_small else nullcontext()

    def _items_of(self, wired: Wire, call: Call) -> ItemKeeper | None:
        """Return what keeps the items of a mapped stage, where they are kept."""
        if wired.over is None:
            return None
        from pypedream.engine.item_keeping import item_keeper_of

        items = item_keeper_of(self, wired, call)
        if items is None:
            self._refuse_to_call(wired, call)
        return items

    def is_secret(self, value: Any) -> bool:
        """Say whether a value holds one of the run's secrets."""
        texts = self.calls.secrets
        return bool(texts) and holds_secret(value, texts)

    @property
    def _of_files(self) -> Any:
        """What keeps files; loaded where there are any."""
        from pypedream.engine import file_keeping

        return file_keeping

    def is_kept(self, wired: Wire) -> bool:
        """Say whether what a stage gives is kept."""
        mode = mode_of(wired, self.options)
        return mode != READ_ONLY and (mode != "off" or self.options.checkpoint)

    def call_of(self, wired: Wire) -> Call:
        """Return the call that gave the result of a stage which the plan took over."""
        return self.calls.taken.get(wired.key) or self.calls.of(wired)

    def _text_of(self, wired: Wire, found: Result) -> str:
        call = self.calls.taken.get(wired.key) or self.calls.of(wired)
        known = self.calls.remembered.lines.get(wired.key)
        if known is not None and known[0] is call and known[1] is found:
            return known[2]
        text = self._line(wired, "reused", found, call).text()
        self.calls.remembered.lines[wired.key] = (call, found, text)
        return text

    def _line(self, wired: Wire, state: str, found: Result, call: Call) -> ResultLine:
        took = found.entry.duration_s or 0.0
        run = str(found.about.get("run", ""))
        return ResultLine(wired.key, state, found.key, found.identity, run, took, call)

    def warn(self, text: str) -> None:
        """Say something of the stage that is at work."""
        self.log.add("warning", text, attempt=context.STAGE.get(), level="warning")


def _form_of(items: ItemKeeper | None, value: Any) -> tuple[Any, dict[str, Any]]:
    """Return what is kept of a result, and what is recorded of its form."""
    if items is not None and items.sizes:
        from pypedream.engine.item_results import by_keys

        found = by_keys(items, value)
        if found is not None:
            return found[0], {MARK: found[1]}
    return value, {}


def keeper_of(
    plan: Plan, run_id: str, log: EventLog, parameters: Parameters, folder: Path
) -> Keeper:
    """Return what keeps the results of a run.

    Parameters
    ----------
    folder
        The folder of the run's record.
    """
    options, reuse = plan.options, plan.reuse
    calls = reuse.calls or Calls(parameters, stages=plan.blueprint.definition.stages)
    is_readonly = options.cache == READ_ONLY and not options.checkpoint
    results = Results(options.workspace, readonly=is_readonly)
    if plan.blueprint.has_files:
        calls.look_at_files(results.store, allow_missing=options.allow_missing)
    for key, value in reuse.values.items():
        calls.digests.setdefault(key, identity_of(value) or unlike_any())
    for key, kept in reuse.kept.items():
        calls.digests.setdefault(key, kept.identity)
    if not is_readonly:
        keep_values(results, run_id, plan, partial(log.add, "warning", level="warning"))
    record = ResultLog(folder / FILE, partial(log.add, "warning", level="warning"))
    is_resuming = bool(reuse.resumes)
    return Keeper(results, calls, options, plan.pipeline, run_id, log, record, is_resuming)


def take_over(execution: Execution, keeper: Keeper) -> None:
    """Take over what the plan found; what a stage will read is loaded now, the rest when asked for.

    A result that cannot be read any more is computed again, and so is what it needs for that.
    """
    plan, wires = execution.plan, execution.plan.blueprint.wiring.wires
    kept, values = plan.reuse.kept, execution.values
    assert isinstance(values, Values)
    waiting = deque(need for key in plan.chosen for need in read_by(wires[key]))
    waiting.extend(key for key in kept if wires[key].files is not None)
    while waiting:
        key = waiting.popleft()
        if key in values or key in plan.chosen or key in plan.skipped:
            continue
        if key in plan.reuse.spare:
            kept[key] = plan.reuse.spare.pop(key)
        try:
            values[key] = _loaded(execution, keeper, key)
        except UnreadableResult as error:
            execution.log.add("warning", f"{error}; it is called again", level="warning")
            _call_after_all(execution, key)
            waiting.extend(read_by(wires[key]))
    values.kept, values.load = kept, partial(_loaded_late, execution, keeper)
    keeper.took_over((wires[key], found) for key, found in kept.items())


def _call_after_all(execution: Execution, key: str) -> None:
    plan = execution.plan
    plan.reuse.kept.pop(key, None)
    plan.reuse.reasons.pop(key, None)
    execution.ended.pop(key, None)
    plan.chosen.add(key)
    plan.reuse.rerun[key] = "its kept result cannot be read"


def _loaded_late(execution: Execution, keeper: Keeper, key: str) -> Any:
    try:
        return _loaded(execution, keeper, key)
    except UnreadableResult as error:
        raise UnreadableResult(f"{error}: pipeline.resume() computes it again") from error


def _loaded(execution: Execution, keeper: Keeper, key: str) -> Any:
    kept = execution.plan.reuse.kept.get(key)
    if kept is None:
        raise UnreadableResult(
            f'the result of stage "{key}" is not kept and needed for another one'
        )
    wired = execution.plan.blueprint.wiring.wires[key]
    if FILES in kept.about:
        return keeper.put_back(wired, kept, keeper.call_of(wired))
    value = keeper.load(key, kept)
    execution.name_outputs(wired, value)
    return value
