"""Metrics: the numbers in the files of metrics, now and as they were in a revision."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pypedream.files.locks import Lock
    from pypedream.files.revisions import Revision

__all__ = ["Compared", "compared", "metric_paths", "metrics_at", "metrics_now"]

Metrics = dict[str, dict[str, Any]]
"""By path, then by the name of a metric with dots for what is within: "test.auc"."""


@frozen
class Compared:
    """One value that is not what it was.

    Attributes
    ----------
    where, name
        The file or stage, and the value in it.
    old, new
        None where it was not or is not there.
    """

    where: str
    name: str
    old: Any
    new: Any

    @property
    def change(self) -> float | None:
        """How much it grew; None where one side is no number."""
        if _is_number(self.old) and _is_number(self.new):
            return float(self.new) - float(self.old)
        return None


def metric_paths(locks: Iterable[Lock]) -> list[str]:
    """Return the paths of all metrics that locks name."""
    paths = (path for lock in locks for path, out in lock.outs.items() if out.kind == "metric")
    return sorted(dict.fromkeys(paths))


def metrics_now(root: Path, paths: Iterable[str]) -> Metrics:
    """Return what is in these files now; a file that is not there has no metrics.

    Raises
    ------
    ValueError
        If a file is no JSON; the text names it.
    """
    files = ((path, root / path) for path in paths)
    return {path: _read(path, file.read_bytes()) for path, file in files if file.is_file()}


def metrics_at(revision: Revision, paths: Iterable[str]) -> Metrics:
    """Return what was in these files in a revision; one that git does not have has no metrics."""
    found = revision.contents(paths)
    return {path: _read(path, text) for path, text in found.items() if text is not None}


def compared(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> Iterator[Compared]:
    """Yield each value that is not the same on both sides."""
    for where in sorted({*before, *after}):
        old, new = before.get(where, {}), after.get(where, {})
        for name in dict.fromkeys((*new, *old)):
            if name not in old or name not in new or not _are_equal(old[name], new[name]):
                yield Compared(where, name, old.get(name), new.get(name))


def _are_equal(one: Any, other: Any) -> bool:
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124 - NaN


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _read(path: str, text: bytes) -> dict[str, Any]:
    try:
        return dict(_flat("", json.loads(text)))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from None


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the values within a value under names with dots."""
    if not isinstance(value, (dict, list)) or not value:
        yield name or "value", value
        return
    for key, member in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _flat(f"{name}.{key}" if name else str(key), member)
