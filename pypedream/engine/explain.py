"""Explain: why a stage has to be called, by what is not as it was in its last call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.store.identity import changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pypedream.engine.calls import Call, Told
    from pypedream.engine.result_log import ResultLine

_MOST_NAMED = 3
_PARAMETER = 'parameter "'


def why_lost(path: str) -> str:
    """Say why a stage is called again whose output cannot be had any more."""
    return f'"{path}" is not there as it wrote it, and no copy is kept'


def why(
    call: Call,
    before: Sequence[ResultLine],
    of_group: Callable[[str, str], list[str]],
) -> str:
    """Return in words why there is no kept result for *call*.

    Parameters
    ----------
    before
        What is recorded of the last times, the newest first. The one that is most like *call* is
        compared with it.
    of_group
        Says what in a group of parameters is not as it was in a run; nothing of others.
    """
    if call.unknown:
        return call.unknown
    if not before:
        return "no result of it is kept"
    line, found = min(
        ((line, list(differences(line.call, call))) for line in before),
        key=lambda each: len(each[1]),
    )
    if not found:
        is_kept = any(line.key for line in before)
        return "its result is kept no more" if is_kept else "its result could not be kept"
    return listed([one for each in found for one in _apart(each, line.run, of_group)])


def _apart(words: str, run: str, of_group: Callable[[str, str], list[str]]) -> list[str]:
    """Return a difference, or those of the single names if it is one of a whole group."""
    name = words.removeprefix(_PARAMETER).partition('"')[0] if words.startswith(_PARAMETER) else ""
    return (of_group(run, name) if name else []) or [words]


def listed(found: Sequence[str]) -> str:
    """Return the first few of several differences, and how many more there are."""
    more = len(found) - _MOST_NAMED
    named = ", ".join(found[:_MOST_NAMED])
    return f"{named} and {more} more" if more > 0 else named


def differences(before: Call, after: Call) -> Iterator[str]:
    """Yield in words what two calls of a stage do not have in common."""
    yield from changes(before.code, after.code)
    for _, words in input_differences(before, after):
        yield words


def input_differences(before: Call, after: Call) -> Iterator[tuple[str, str]]:
    """Yield each input that is not the same in two calls of a stage, and in words what differs."""
    for name, now in after.inputs.items():
        old = before.inputs.get(name)
        if old is None:
            yield name, f'input "{name}" is new'
        elif old.source != now.source and old.digest != now.digest:
            yield name, f'input "{name}" is {now.source} and was {old.source}'
        elif old.digest != now.digest and None not in (old.parts, now.parts):
            yield from ((name, words) for words in _of_parts(name, old, now))
        elif old.digest != now.digest:
            is_shown = old.shown != now.shown
            words = f"{old.shown} -> {now.shown}" if is_shown else "changed"
            yield name, f"{now.source} {words}"
    for name in before.inputs:
        if name not in after.inputs:
            yield name, f'input "{name}" is gone'


def _of_parts(name: str, before: Told, after: Told) -> list[str]:
    """Return in words what differs in the files of an argument, or in the parameters of a stage."""
    from pypedream.files.locked import file_differences, shown_differences

    old, new = before.parts or {}, after.parts or {}
    if after.source.startswith("parameter "):
        return [*shown_differences(old, new)] or [f"{after.source} changed"]
    return [*file_differences(old, new)] or [f'how "{name}" is read changed']
