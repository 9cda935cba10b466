"""Explanation: of each stage what is not as it was in its last call, with old and new digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from pypedream.engine.calls import read_by
from pypedream.engine.result_log import latest_results
from pypedream.places import Place
from pypedream.store.identity import CodeIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.engine.calls import Call, Calls, Told
    from pypedream.engine.plan import Plan
    from pypedream.engine.planned import PlannedStage
    from pypedream.engine.result_log import ResultLine
    from pypedream.engine.wiring import Wire
    from pypedream.files.locks import Lock

_SHORT = 10


@frozen
class Change:
    """One thing that a stage depends on and that is not what it was.

    Attributes
    ----------
    kind
        "code" or "input".
    what
        What it is, as "helper etl.clean" or 'file "in.csv"'.
    old, new
        What it was and is: a short value, else the beginning of its digest; "" where it was not or
        is not there.
    place
        Where in the user's code it is; None if that is not known.
    """

    kind: str
    what: str
    old: str
    new: str
    place: Place | None = None

    def __str__(self) -> str:
        where = f"  ({self.place})" if self.place is not None else ""
        return f"{self.what}: {self.old or 'not there'} -> {self.new or 'not there'}{where}"


@frozen
class Explained:
    """What will happen to a stage, and why.

    Attributes
    ----------
    decision, reason
        As the plan says.
    changes
        What is not as it was in the last call that is recorded; empty for a stage that is not to
        run, or of which no call is recorded.
    digest, last_digest
        What tells its call now, and told its last one; "" where that is not known.
    """

    stage: str
    decision: str
    reason: str
    changes: tuple[Change, ...] = ()
    digest: str = ""
    last_digest: str = field(default="")


def explained(plan: Plan) -> list[Explained]:
    """Return of each stage of a plan what will happen to it, and what has changed."""
    calls, stages = plan.reuse.calls, plan.stages
    running = {key for key, one in stages.items() if one.decision == "run"}
    before = _before(plan, running) if calls is not None and running else {}
    return [_explained(one, plan, calls, running, before) for one in stages.values()]


def _before(plan: Plan, wanted: set[str]) -> dict[str, list[ResultLine]]:
    found: dict[str, list[ResultLine]] = {}
    for line in latest_results(plan.options.workspace, plan.pipeline):
        if line.stage in wanted:
            found.setdefault(line.stage, []).append(line)
    return found


def _explained(
    one: PlannedStage,
    plan: Plan,
    calls: Calls | None,
    running: set[str],
    before: Mapping[str, list[ResultLine]],
) -> Explained:
    if calls is None or one.decision == "skip":
        return Explained(one.key, one.decision, one.reason)
    wired = plan.blueprint.wiring.wires[one.key]
    if one.decision == "reuse":
        digest = calls.taken[one.key].key if one.key in calls.taken else ""
        return Explained(one.key, one.decision, one.reason, (), digest, digest)
    is_pending = any(need in running for need in read_by(wired))
    call = calls.of(wired)
    pending = _pending_inputs(wired, running)
    found = [
        (tuple(_changes(line.call, call, pending)), line.call.key)
        for line in before.get(one.key, ())
    ]
    lock = calls.locks.of(wired) if calls.locks is not None and wired.files is not None else None
    if lock is not None and not found:  # as in a fresh clone
        found.append((tuple(_changes_of_lock(lock, call, pending)), lock.key))
    changes, last = min(found, key=lambda each: len(each[0])) if found else ((), "")
    digest = "" if is_pending else call.key
    return Explained(one.key, one.decision, one.reason, changes, digest, last)


def _pending_inputs(wired: Wire, running: set[str]) -> set[str]:
    """Return the arguments of which nobody knows before the run what they will be."""
    return {link.argument for link in wired.links if any(need in running for need in link.reads)}


def _changes(before: Call, after: Call, pending: set[str]) -> Iterator[Change]:
    yield from _code_changes(before.code, after.code)
    for name in dict.fromkeys((*before.inputs, *after.inputs)):
        old, new = before.inputs.get(name), after.inputs.get(name)
        if name in pending or _digest(old) == _digest(new):
            continue
        told = new or old
        assert told is not None
        parts = list(_part_changes(told, old.parts if old else None, new.parts if new else None))
        yield from parts or [Change("input", told.source, *_sides(old, new))]


def _changes_of_lock(before: Lock, after: Call, pending: set[str]) -> Iterator[Change]:
    """Yield what is not as a lock says, which knows no places."""
    if dict(before.code) != dict(after.code.parts):
        yield from _code_changes(CodeIdentity("of the lock", before.code), after.code)
    for name, told in after.inputs.items():
        if name not in pending and told.parts is not None and not _is_parameter(told):
            known = {path: before.deps[path].sha256 for path in told.parts if path in before.deps}
            yield from _part_changes(told, known, told.parts)


def _part_changes(
    told: Told, before: Mapping[str, str] | None, after: Mapping[str, str] | None
) -> Iterator[Change]:
    """Yield which files of an input changed, or which parameters of a stage."""
    if before is None or after is None:
        return
    for name in dict.fromkeys((*after, *before)):
        old, new = before.get(name, ""), after.get(name, "")
        if old != new and not _is_parameter(told):
            yield Change("input", f'file "{name}"', old[:_SHORT], new[:_SHORT])
        elif old != new:
            yield Change("input", f'{told.source[:-1]}.{name}"', old, new)


def _code_changes(before: CodeIdentity, after: CodeIdentity) -> Iterator[Change]:
    if before.digest == after.digest:
        return
    for name in _parts(before, after):
        old, new = before.parts.get(name, ""), after.parts.get(name, "")
        if old == new:
            continue
        words, file, line = after.places.get(name) or before.places.get(name) or (name, "", 0)
        place = Place(file, line) if file else None
        yield Change(
            "code",
            words,
            before.values.get(name, old[:_SHORT]),
            after.values.get(name, new[:_SHORT]),
            place,
        )


def _parts(before: CodeIdentity, after: CodeIdentity) -> Iterable[str]:
    return dict.fromkeys((*after.parts, *before.parts))


def _is_parameter(told: Told) -> bool:
    """Say whether parts are fields of a parameter, and not files."""
    return told.source.startswith("parameter ")


def _digest(told: Told | None) -> str:
    return "" if told is None else told.digest


def _sides(old: Told | None, new: Told | None) -> tuple[str, str]:
    """Return how both sides are shown: as values if these differ, else as digests."""
    values = old.shown if old else "", new.shown if new else ""
    if all(values) and values[0] != values[1]:
        return values
    return _digest(old).lstrip("?")[:_SHORT], _digest(new).lstrip("?")[:_SHORT]
