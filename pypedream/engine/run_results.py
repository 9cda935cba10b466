"""What a table shows of the results of a run: numbers and short texts, or what the user names.

A name is that of a stage, or leads on from it by dots: to one of its outputs, to a key of a
mapping, to an attribute. "model.auc" is the key "auc" of what the stage "model" gave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import NOTHING

from pypedream.engine.views import Values
from pypedream.errors import UnreadableResult
from pypedream.outputs import RETURN
from pypedream.parameters.annotations import unboxed

if TYPE_CHECKING:
    from pypedream.engine.past_run import PastRun
    from pypedream.engine.run import Run

_LONGEST = 200
_MOST = 20
_LARGEST_BYTES = 4096
"""A result that takes more in the store is no number, and is not loaded to see what it is."""
_PLAIN = (bool, int, float, complex, str)
_HOMES = ("datetime", "decimal", "enum", "fractions")


def named_result(run: Run | PastRun, name: str) -> Any:
    """Return the result that a name means; NOTHING if the run has none of that name."""
    stage, rest = stage_in(name, run)
    if stage is None:
        return NOTHING
    if not rest:
        return unboxed(run[stage])
    outputs = run.outputs[stage]
    for length in range(len(rest), 0, -1):
        output = ".".join(rest[:length])
        if output != RETURN and output in outputs:
            return _led(outputs[output], rest[length:])
    return _led(outputs[RETURN], rest)


def stage_in(name: str, stages: Any) -> tuple[str | None, list[str]]:
    """Return the longest beginning of *name* that is in *stages*, and the parts after it."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        key = ".".join(parts[:length])
        if key in stages:
            return key, parts[length:]
    return None, parts


def scalar_results(run: Run) -> dict[str, Any]:
    """Return the results that fit into a cell: those of stages, their outputs and small mappings.

    Large results that are in the store are not loaded.
    """
    found: dict[str, Any] = {}
    for key in run:
        written = run.written(key)
        if written is not None:
            found |= {f"{key}.{name}": each for name, each in _metrics_in(_metrics_of(written))}
        elif not _is_large(run, key):
            outputs = dict(run.outputs[key])
            value = outputs.pop(RETURN)
            if is_scalar(value):
                found[key] = unboxed(value)
            members = outputs or (value if isinstance(value, Mapping) else {})
            found |= {f"{key}.{name}": member for name, member in _scalars_in(members)}
    return found


def is_scalar(value: Any) -> bool:
    """Say whether a value is a number, a short text, a date or the like."""
    value = unboxed(value)
    if isinstance(value, str):
        return len(value) <= _LONGEST and value.isprintable()
    return isinstance(value, _PLAIN) or any(
        base.__module__ in _HOMES for base in type(value).__mro__
    )


def _metrics_of(written: Any) -> Any:
    try:
        return written.metrics()
    except UnreadableResult:  # another run wrote them anew at the same time
        return None


def _metrics_in(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the scalars among metrics, which may be those of several files, each a dict."""
    for name, member in value.items() if isinstance(value, Mapping) else ():
        if isinstance(member, Mapping):
            yield from ((f"{name}.{inner}", each) for inner, each in _scalars_in(member))
        elif isinstance(name, str) and is_scalar(member):
            yield name, unboxed(member)


def _scalars_in(members: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the scalars of a small mapping; a large one is data and no list of results."""
    if len(members) <= _MOST:
        for name, member in members.items():
            if isinstance(name, str) and is_scalar(member):
                yield name, unboxed(member)


def _is_large(run: Run, key: str) -> bool:
    stage = run.outputs
    values = getattr(stage, "values_", None)
    if not isinstance(values, Values) or dict.__contains__(values, key):
        return False
    kept: Any = values.kept.get(key)
    return kept is not None and kept.entry.size > _LARGEST_BYTES


def _led(value: Any, parts: list[str]) -> Any:
    for part in parts:
        if isinstance(value, Mapping):
            value = value.get(part, NOTHING)
        else:
            value = getattr(value, part, NOTHING)
        if value is NOTHING:
            return NOTHING
    return unboxed(value)
