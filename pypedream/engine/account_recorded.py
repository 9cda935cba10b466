"""The account of a run of which the record is there; nothing of the user's is imported."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import evolve

from pypedream.engine.account import (
    CALLED,
    STAGE,
    Account,
    RunHead,
    StageAccount,
    environment_with,
    flat,
    options_in,
    spoken,
)
from pypedream.engine.history import recorded_events
from pypedream.engine.result_log import recorded_results
from pypedream.errors import StoreError
from pypedream.log.status import progress_text
from pypedream.values import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.engine.calls import Call
    from pypedream.engine.history import RecordedRun
    from pypedream.engine.result_log import RecordedResults, ResultLine
    from pypedream.log.events import Event

_DIGITS = 64
_LONGEST_S = 1e12
_MOST_ITEMS = 100
_LONGEST_ERROR = 200
_ENDS = ("stage.end", "stage.skip")
_BY = ("stage.end", "attempt.end", "items")


def recorded_account(run: RecordedRun) -> Account:
    """Return all that the record of a run says; what cannot be read is named, and left out."""
    unreadable = [f"{name} cannot be read" for name in run.unreadable]
    results = recorded_results(run.folder)
    try:
        events = recorded_events(run)
    except StoreError as error:
        unreadable.append(str(error))
        events = []
    unreadable += [event.event for event in events if _is_torn(event, run)]
    unreadable += [results.unreadable] if results.unreadable else []
    stages = _stages(run, events, results)
    return Account(
        RunHead(run.id, run.pipeline, run.state, run.started, run.duration_s),
        dict(flat(run.parameters)),
        options_in(run.asked),
        environment_with(run.environment, (stage.call for stage in stages.values())),
        stages,
        has_results=bool(results.lines or results.failed),
        is_recorded=True,
        unreadable=tuple(f"run {run.id}: {words}" for words in unreadable),
        find_numbers=partial(_numbers, run, results),
    )


def _numbers(run: RecordedRun, results: RecordedResults) -> Mapping[str, int | float]:
    from pypedream.engine.metrics import metrics_of  # it opens a store, which most do not need

    kept = {stage: line.key for stage, line in results.lines.items() if line.key}
    return metrics_of(run.folder.parent.parent, [kept])[0]


def _is_torn(event: Event, run: RecordedRun) -> bool:
    return event.kind == "dropped" and (event.data or {}).get("from") == str(run.folder)


def _stages(
    run: RecordedRun, events: list[Event], results: RecordedResults
) -> dict[str, StageAccount]:
    printed, warned = spoken(events)
    begun = {str(event.stage): "" for event in events if event.kind == "stage.start"}
    begun |= {
        str(event.stage): one_line(progress_text(event), _LONGEST_ERROR)
        for event in events
        if event.kind == "progress"
    }
    ended = {str(event.stage): event.data or {} for event in events if event.kind in _ENDS}
    found = dict.fromkeys((*run.stages, *ended, *results.lines))  # run.json may be unreadable
    read = _read(results)
    failed_items, workers = _failed_items(events), _workers(events)
    accounts = {}
    for key in found:
        line = results.lines.get(key)
        data = ended.get(key) or _not_ended(run, key, line, begun.get(key))
        call = line.call if line is not None else results.failed.get(key)
        account = _account(data, line, call, printed.get(key, 0), warned.get(key, 0))
        if account.has_result and not account.identity:
            account = evolve(account, identity=read.get(key, ""))
        accounts[key] = evolve(
            account, failed_items=failed_items.get(key, {}), workers=tuple(workers.get(key, ()))
        )
    return accounts


def _workers(events: list[Event]) -> dict[str, dict[str, None]]:
    """Return who made the calls of each stage; an attempt that was made again does not count."""
    found: dict[str, dict[str, None]] = {}
    for event in events:
        is_last = event.kind in ("stage.end", "items") or event.item is not None
        worker = (event.data or {}).get("worker") if is_last and event.kind in _BY else None
        if isinstance(worker, str):
            found.setdefault(str(event.stage), {})[worker] = None
    return found


def _failed_items(events: list[Event]) -> dict[str, dict[str, str]]:
    """Return of each stage which items failed for good, with their errors."""
    found: dict[str, dict[str, str]] = {}
    for event in events:
        data = event.data or {}
        if event.kind != "attempt.end" or event.item is None or data.get("state") != "failed":
            continue
        failed = found.setdefault(str(event.stage), {})
        error = data.get("error")
        if "retry_in_s" not in data and isinstance(error, dict) and len(failed) < _MOST_ITEMS:
            said = filter(None, (error.get("type"), error.get("message")))
            failed[str(event.item)] = one_line(": ".join(map(str, said)), _LONGEST_ERROR)
    return found


def _read(results: RecordedResults) -> dict[str, str]:
    """Return what stages gave as far as it is known from those that read it, as if it was given."""
    calls = [*(line.call for line in results.lines.values()), *results.failed.values()]
    found = {}
    for told in (told for call in calls for told in call.inputs.values()):
        key, digest = STAGE.findall(told.source), told.digest.partition(" ")[0]
        if key and len(digest) == _DIGITS:  # a value that cannot be told has a number of its own
            found[key[0]] = digest
    return found


def _account(
    data: Mapping[str, Any], line: ResultLine | None, call: Call | None, printed: int, warned: int
) -> StageAccount:
    state, error = str(data.get("state", "?")), data.get("error")
    took = _seconds(data.get("duration_s")) if state in CALLED else None
    return StageAccount(
        state,
        took,
        _seconds(line.duration_s) if line is not None and state == "ok" else took,
        str(data.get("reason", "")),
        line.identity if line is not None else "",
        call,
        line is not None and line.key.startswith("of-run/") and bool(line.call.key),
        {str(name): str(text) for name, text in error.items()} if isinstance(error, dict) else {},
        printed,
        warned,
        _items(data.get("items")),
    )


def _items(counts: object) -> dict[str, int]:
    """Return how many items there were of each state, as far as the record says so."""
    if not isinstance(counts, dict):
        return {}
    return {str(state): count for state, count in counts.items() if type(count) is int}


def _seconds(value: object) -> float | None:
    """Return a time of a record, if it is one that may be."""
    return float(value) if isinstance(value, (int, float)) and 0 <= value < _LONGEST_S else None


def _not_ended(
    run: RecordedRun, key: str, line: ResultLine | None, far: str | None
) -> dict[str, Any]:
    """Return what is known of a stage of whose end the journal says nothing."""
    if line is not None and line.state == "reused":
        return {"state": "reused", "reason": f"its result is of run {line.run}"}
    if line is not None:
        return {"state": "ok"}  # the process was gone in between
    if far is not None:
        return {"state": "running" if run.state == "running" else "killed", "reason": far}
    if key in run.skipped:
        return {"state": "skipped", "reason": run.skipped[key]}
    if key in _given(run):
        return {"state": "reused", "reason": "given"}
    return {"state": "pending"}


def _given(run: RecordedRun) -> list[Any]:
    selection = run.asked.get("selection")
    given = selection.get("given") if isinstance(selection, dict) else []
    return given if isinstance(given, list) else []
