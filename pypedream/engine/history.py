"""History: the runs that a workspace keeps, read from their records alone.

Nothing of the user's is imported and nothing is written, so history can be read while runs go on,
after they were killed, and where the pipeline itself cannot be loaded any more.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from pypedream.engine.batch import Batch, batch_in
from pypedream.engine.environment import environment_in
from pypedream.engine.record import DESCRIPTION, DISPLAYS, JOURNAL, is_alive
from pypedream.engine.recorded_items import is_of_item, nothing_of, stage_and_item
from pypedream.errors import StoreError
from pypedream.log.displays import SUFFIXES, Display
from pypedream.log.events import Event
from pypedream.names import did_you_mean
from pypedream.places import from_here

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "LEVELS",
    "RecordedRun",
    "recorded_display",
    "recorded_events",
    "recorded_run",
    "recorded_runs",
]

LEVELS = ("debug", "info", "warning", "error", "critical")
"""From the least to the most serious."""

LAST = "last"
UNKNOWN = "?"
_FILES = (JOURNAL, "logs.jsonl")
_TAIL_BYTES = 64 * 1024
_TAIL_LINES = 4  # the end of a run is the last line of its journal
_LARGEST = 2**63
_SHOWN_RUNS = 3


@frozen
class RecordedRun:
    """What the record of one run says of it.

    Attributes
    ----------
    id
        Sorts by time of start.
    pipeline
        Name of the pipeline; "?" when that part of the record cannot be read.
    state
        "ok", "failed", "interrupted", "cancelled", "running", or "crashed": the process that ran
        it is gone and did not write an end.
    started
        Time in UTC, ISO 8601.
    duration_s
        Seconds from start to end, or to the last sign of life; None when there is none.
    stages
        Keys of all stages, in the order of the run.
    ended
        From each state to the number of stages that ended so; empty until the run has ended.
    parameters
        What they were set to, without secrets.
    folder
        Where the record is.
    asked
        What else the run was asked for: selection, options, names of what was set.
    source
        The file in which the pipeline was made; "" when there was none.
    skipped
        From a stage that was known to be skipped before the run began to why.
    environment
        From name to text: Python, platform, host, versions of packages.
    needs
        From each stage to the stages that it waits for; empty in records that do not say it.
    unreadable
        Names of the files of the record that are there and cannot be read at all.
    batch
        The sweep that it was part of; None if it was part of none.
    """

    id: str
    pipeline: str
    state: str
    started: str
    duration_s: float | None
    stages: tuple[str, ...]
    ended: Mapping[str, int]
    parameters: Mapping[str, Any] = field(repr=False)
    folder: Path = field(repr=False)
    asked: Mapping[str, Any] = field(repr=False, factory=dict)
    source: str = field(repr=False, default="")
    skipped: Mapping[str, Any] = field(repr=False, factory=dict)
    environment: Mapping[str, str] = field(repr=False, factory=dict)
    needs: Mapping[str, Any] = field(repr=False, factory=dict)
    unreadable: tuple[str, ...] = ()
    batch: Batch | None = None


def recorded_display(folder: Path, number: int) -> Display | None:
    """Return what was displayed in a recorded run under a number; None if it is not there."""
    for mime, suffix in SUFFIXES.items():
        with suppress(OSError):
            return Display(mime, (folder / DISPLAYS / f"{number}.{suffix}").read_bytes())
    return None


def recorded_runs(workspace: str | os.PathLike[str]) -> list[RecordedRun]:
    """Return the runs of a workspace, the newest first; a folder that is not there has none."""
    return [recorded_run_in(folder) for folder in reversed(run_folders(workspace))]


def recorded_run(workspace: str | os.PathLike[str], name: str = LAST) -> RecordedRun:
    """Return one run of a workspace.

    Parameters
    ----------
    name
        Its id, the beginning of its id if no other begins so, "last", or "last~1" for the one
        before the last, and so on.

    Raises
    ------
    StoreError
        If there is no such run, or several; the text names some that there are.
    """
    folders = {folder.name: folder for folder in run_folders(workspace)}
    where = from_here(workspace)
    if not folders:
        raise StoreError(f"no run is recorded in {where}")
    back = _steps_back(name)
    if back is not None:
        newest = sorted(folders, reverse=True)
        if back < len(newest):
            return recorded_run_in(folders[newest[back]])
        raise StoreError(f'no run "{name}": there are only {len(newest)} in {where}')
    found = [each for each in folders if name and each.startswith(name.lower())]
    if len(found) == 1:
        return recorded_run_in(folders[found[0]])
    if found:
        raise StoreError(f'{len(found)} runs begin with "{name}": {_some(found)}')
    raise StoreError(f'no run "{name}" in {where}; the last are {_some(folders)}')


def gone_on_from(run: RecordedRun) -> Iterator[RecordedRun]:
    """Yield a run, the one that it resumed, the one that this resumed, and so on."""
    seen: set[str] = set()
    while run.id not in seen:
        yield run
        seen.add(run.id)
        earlier = run.folder.parent / Path(str(run.asked.get("resumes", ""))).name
        if (earlier / DESCRIPTION).is_file():
            run = recorded_run_in(earlier)


def recorded_events(
    run: RecordedRun,
    *,
    stage: str | None = None,
    item: str | None = None,
    level: str | None = None,
    grep: str | re.Pattern[str] | None = None,
) -> list[Event]:
    """Return the events of a run, those of all its files in order.

    Parameters
    ----------
    stage
        Only those of this stage; ``load[17]`` is an item of it.
    item
        Only those of the item that the log calls so, and those that count it among others.
    level
        Only those that are at least this serious, one of `LEVELS`.
    grep
        Only those in whose text or values this regular expression is found.

    Returns
    -------
    list of Event
        Lines that cannot be read, as a crash may leave them, are counted in one last event of the
        kind "dropped".

    Raises
    ------
    StoreError
        If the run has no such stage or item, or its files may not be read.
    ValueError
        If there is no such level.
    """
    if stage is not None and item is None:
        stage, item = stage_and_item(stage, run.stages)
    if stage is not None and run.stages and stage not in run.stages:
        near = did_you_mean(stage, run.stages) or f"; there are {', '.join(run.stages)}"
        raise StoreError(f'run {run.id} has no stage "{stage}"{near}')
    lowest = 0 if level is None else LEVELS.index(level)
    pattern = None if grep is None else re.compile(grep)
    events, torn, is_known = [], 0, item is None
    for event in _all_events(run):
        if event is None:
            torn += 1
        elif (stage is None or event.stage == stage) and (item is None or is_of_item(event, item)):
            is_known = True
            if _is_wanted(event, lowest, pattern):
                events.append(event)
    if item is not None and not is_known:
        raise StoreError(nothing_of(item, recorded_events(run, stage=stage), run.id, stage))
    events.sort(key=attrgetter("seq"))
    return [*events, _dropped(run, events, torn)] if torn else events


def _steps_back(name: str) -> int | None:
    """Return how many runs before the last one *name* means; None if it is an id."""
    match = re.fullmatch(rf"{LAST}(?:~([0-9]{{1,9}}))?", name)
    return int(match[1] or 0) if match else None


def run_folders(workspace: str | os.PathLike[str]) -> list[Path]:
    """Return the folders of runs, oldest first; one without run.json is just being made."""
    try:
        names = sorted(os.listdir(Path(workspace, "runs")))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"cannot read the workspace {from_here(workspace)}: {reason}") from error
    folders = [Path(workspace, "runs", name) for name in names]
    return [folder for folder in folders if (folder / DESCRIPTION).is_file()]


def recorded_run_in(folder: Path) -> RecordedRun:
    """Return the run of which *folder* is the record, whatever of it can be read."""
    # The lock first: a run that ends in between has written its end by the time we look for it.
    lives = is_alive(folder)
    tails = {name: _last_lines(folder / name) for name in _FILES}
    lines = [line for tail in tails.values() for line in tail]
    description = _described(folder / DESCRIPTION)
    ends = [line for line in lines if line.get("kind") == "run.end"]
    data = _mapping(ends[0].get("data")) if ends else {}
    stages = description.get("stages")
    return RecordedRun(
        id=folder.name,
        pipeline=str(description.get("pipeline", UNKNOWN)),
        state=str(data.get("state", "running" if lives else "crashed")),
        started=str(description.get("started", "?")),
        duration_s=max((_number(line.get("dt")) for line in lines), default=None),
        stages=tuple(map(str, stages)) if isinstance(stages, list) else (),
        ended=_mapping(data.get("stages")),
        parameters=_mapping(description.get("parameters")),
        folder=folder,
        asked=_mapping(description.get("asked")),
        source=str(description.get("source", "")),
        skipped=_mapping(description.get("skipped")),
        environment=environment_in(description),
        needs=_mapping(description.get("needs")),
        unreadable=(
            *(() if description else ("run.json",)),
            *(() if tails[JOURNAL] or _is_empty(folder / JOURNAL) else (JOURNAL,)),
        ),
        batch=batch_in(description.get("batch")),
    )


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:
        return False


def _described(path: Path) -> Mapping[str, Any]:
    """Return what ``run.json`` says; nothing if it cannot be read."""
    try:
        return _mapping(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _last_lines(path: Path) -> list[dict[str, Any]]:
    """Return the last few lines of a file that can be read; a list of runs needs no more."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = file.read().split(b"\n")[-_TAIL_LINES:]
    except OSError:
        return []
    found = map(_parsed, lines)
    return [line for line in found if line is not None]


def _all_events(run: RecordedRun) -> Iterator[Event | None]:
    """Read the files of a run one after the other; None stands for a line that is broken."""
    for name in _FILES:
        try:
            with (run.folder / name).open("rb") as file:
                for line in file:
                    is_unfinished = run.state == "running" and not line.endswith(b"\n")
                    if line.strip() and not is_unfinished:
                        yield _event(line)
        except FileNotFoundError:
            continue  # nothing was said
        except OSError as error:
            raise StoreError(f"cannot read {run.folder / name}: {error.strerror}") from error


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _event(line: bytes) -> Event | None:
    """Return the event of a line, with the types that an Event promises; None if it is none."""
    values = _parsed(line)
    if values is None or not isinstance(values.get("kind"), str):
        return None
    stage, stream, level = values.get("stage"), values.get("stream"), values.get("level")
    return Event(
        ts=str(values.get("ts")),
        dt=_number(values.get("dt")),
        run=str(values.get("run")),
        stage=None if stage is None else str(stage),
        item=values.get("item"),
        attempt=values.get("attempt"),
        seq=int(_number(values.get("seq"))),
        pid=int(_number(values.get("pid"))),
        kind=values["kind"],
        level=level if level in LEVELS else "info",
        event=str(values.get("event", values["kind"])),
        stream=None if stream is None else str(stream),
        data=values["data"] if isinstance(values.get("data"), dict) else None,
    )


def _number(value: object) -> float:
    """Return *value* if it is a number that a time or a count may be, else 0."""
    return value if isinstance(value, (int, float)) and abs(value) < _LARGEST else 0


def _is_wanted(event: Event, lowest: int, pattern: re.Pattern[str] | None) -> bool:
    if LEVELS.index(event.level) < lowest:
        return False
    if pattern is None or pattern.search(event.event):
        return True
    return event.data is not None and pattern.search(json.dumps(event.data)) is not None


def _dropped(run: RecordedRun, events: list[Event], torn: int) -> Event:
    last = events[-1] if events else None
    count = "1 line" if torn == 1 else f"{torn} lines"
    return Event(
        ts=last.ts if last else run.started,
        dt=last.dt if last else 0.0,
        run=run.id,
        stage=None,
        item=None,
        attempt=None,
        seq=last.seq + 1 if last else 0,
        pid=0,
        kind="dropped",
        level="warning",
        event=f"{count} of the record cannot be read",
        stream=None,
        data={"count": torn, "from": str(run.folder)},
    )


def _some(names: Mapping[str, Path] | list[str]) -> str:
    newest = sorted(names, reverse=True)
    more = len(newest) - _SHOWN_RUNS
    return ", ".join(newest[:_SHOWN_RUNS]) + (f" and {more} more" if more > 0 else "")
