"""The page of a run of which the record is left; nothing of the user's is imported.

What each stage waits for is in the record, and what it was called with. What the stages gave is in
the store, and stays there.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from attrs import evolve

from pypedream.engine.account import DONE as DONE_STATES
from pypedream.engine.account import STAGE
from pypedream.engine.account_recorded import recorded_account
from pypedream.engine.history import recorded_display, recorded_events
from pypedream.errors import StoreError
from pypedream.log.durations import duration_text
from pypedream.places import Place
from pypedream.values import one_line, short
from pypedream.view.description import Argument, Description, Edge, Group, Node
from pypedream.view.exhibits import exhibits_of
from pypedream.view.frames import frames_in
from pypedream.view.hearing import error_text, heard
from pypedream.view.page import NOTHING_SAID, Page, Row, Sample, Section, Trouble
from pypedream.view.page_of_run import MOST_TROUBLES, by_whom, facts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.engine.account import Account, StageAccount
    from pypedream.engine.history import RecordedRun
    from pypedream.log.events import Event
    from pypedream.view.hearing import Heard

VALUE = 120
_NEEDS = re.compile(r'needs "(.+?)"')
_KIND = re.compile(r'(stage|parameter|variable) "(.+)"')
_TO_GO_ON = ("failed", "interrupted", "cancelled", "crashed")


def page_of_record(run: RecordedRun) -> Page:
    """Return what there is to show of a recorded run."""
    account = recorded_account(run)
    found = heard(_events(run))
    description = _description(run, account, found)
    failed = [(key, one) for key, one in account.stages.items() if one.error]
    return Page(
        description,
        state=run.state,
        facts=tuple(facts_of(description, run.duration_s, run.started, run.id)),
        troubles=tuple(
            _trouble(key, one, _hints(run) if not number else ())
            for number, (key, one) in enumerate(failed[:MOST_TROUBLES])
        ),
        untold=max(0, len(failed) - MOST_TROUBLES),
        parameters=tuple(_parameters(run, account)),
        sections=tuple(
            evolve(
                _section(node, account.stages[node.key], found),
                exhibits=tuple(
                    exhibits_of(
                        found.displays.get(node.key, ()), partial(recorded_display, run.folder)
                    )
                ),
            )
            for node in description.stages
        ),
        said=found.said.get("", NOTHING_SAID),
        notes=tuple(_notes(run, account)),
        span_s=found.last_s,
        spans=tuple(found.spans),
    )


def _events(run: RecordedRun) -> list[Event]:
    try:
        return recorded_events(run)
    except StoreError:  # the account names what cannot be read
        return []


def _description(run: RecordedRun, account: Account, found: Heard) -> Description:
    nodes = tuple(_node(key, one, found) for key, one in account.stages.items())
    took = "" if run.duration_s is None else f" after {duration_text(run.duration_s)}"
    return Description(
        run.pipeline,
        "run",
        f"{run.pipeline}: {run.state}{took}",
        nodes,
        tuple(_edges(run, account.stages)),
        tuple(_groups(node.group for node in nodes)),
    )


def _node(key: str, stage: StageAccount, found: Heard) -> Node:
    called = stage.call.inputs.items() if stage.call is not None else ()
    items = found.items.get(key, {})
    return Node(
        key,
        key,
        state=stage.state,
        note=one_line(error_text(stage.error) if stage.error else stage.reason),
        duration_s=stage.duration_s,
        group=key.rpartition(".")[0],
        arguments=tuple(_argument(name, told.source) for name, told in called),
        is_mapped=bool(items),
        items=items,
    )


def _argument(name: str, source: str) -> Argument:
    match = _KIND.search(source)
    return Argument(name, match[1], match[2]) if match else Argument(name, "immediate", source)


def _edges(run: RecordedRun, stages: Mapping[str, StageAccount]) -> Iterator[Edge]:
    """Yield the edges that the record tells of; calls also tell which arguments they are."""
    for key, stage in stages.items():
        read: dict[str, list[str]] = {}
        for name, told in stage.call.inputs.items() if stage.call is not None else ():
            for source in STAGE.findall(told.source):
                read.setdefault(source, []).append(name)
        needs = run.needs.get(key, ())
        others = needs if isinstance(needs, list) else _NEEDS.findall(stage.reason)
        for source in filter(stages.__contains__, dict.fromkeys([*read, *map(str, others)])):
            is_order = stage.call is not None and source not in read
            names = tuple(read.get(source, ()))
            yield Edge(source, key, "order" if is_order else "value", names)


def _groups(scopes: Iterable[str]) -> Iterator[Group]:
    for scope in dict.fromkeys(filter(None, scopes)):
        parent, _, label = scope.rpartition(".")
        yield Group(scope, label, parent)


def _trouble(key: str, stage: StageAccount, hints: tuple[str, ...]) -> Trouble:
    text = stage.error.get("traceback", "")
    rows = tuple(_inputs(stage))
    return Trouble(key, error_text(stage.error), 1, frames_in(text), rows, (), hints)


def _hints(run: RecordedRun) -> tuple[str, ...]:
    if run.state not in _TO_GO_ON:
        return ()
    return (f"python -m pypedream resume {run.id}  # go on once it is fixed",)


def _parameters(run: RecordedRun, account: Account) -> Iterator[Row]:
    asked = run.asked.get("set")
    was_set = set(map(str, asked)) if isinstance(asked, list) else set()
    for name, value in account.parameters.items():
        source = "set for this run" if name in was_set else "default"
        shown = value if isinstance(value, str) and value == "***" else short(value, VALUE)
        yield Row(name, shown, source)


def _section(node: Node, stage: StageAccount, found: Heard) -> Section:
    called = node.duration_s is not None
    items = (f"items: {node.items_text}",) if node.items else ()
    return Section(
        node,
        chips=(*items, *by_whom(stage.workers)),
        facts=() if not stage.reason else (Row("not called", one_line(stage.reason)),),
        inputs=tuple(_inputs(stage)),
        outputs=tuple(_outputs(stage)),
        said=found.said.get(node.key, NOTHING_SAID),
        took=duration_text(node.duration_s) if node.duration_s is not None else "",
        span=found.span(node.key) if called or node.key in found.began else None,
        where=_where(stage),
        error=one_line(error_text(stage.error), 400),
        is_open=bool(stage.error),
    )


def _inputs(stage: StageAccount) -> Iterator[Row]:
    for name, told in stage.call.inputs.items() if stage.call is not None else ():
        yield Row(name, told.shown, told.source)


def _outputs(stage: StageAccount) -> Iterator[Sample]:
    if stage.state in DONE_STATES and stage.identity:
        yield Sample("return", f"kept in the store, digest {stage.identity[:12]}")


def _where(stage: StageAccount) -> str:
    places = list(stage.call.code.places.values()) if stage.call is not None else []
    return str(Place(places[0][1], places[0][2])) if places else ""


def _notes(run: RecordedRun, account: Account) -> Iterator[Row]:
    yield from (Row("note", note) for note in account.unreadable)
    if run.source:
        yield Row("pipeline", run.source)
    environment = run.environment
    named = ", ".join(f"{name} {text}" for name, text in environment.items())
    if named:
        yield Row("environment", one_line(named, 300))
