"""Divergence: where two runs began to give something else, and why.

A stage diverges by itself if what it reads of other stages is the same in both runs; all that
diverges because of it is downstream.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import Factory, define, evolve, frozen

from pypedream.engine.account import DONE, STAGE
from pypedream.engine.explain import differences, input_differences
from pypedream.values import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.engine.account import Account, StageAccount
    from pypedream.engine.calls import Call

NOT_DETERMINISTIC = (
    "nothing that is recorded differs: it is not deterministic, or reads what is not seen"
)
_ENDED = ("failed", "timeout", "killed", "skipped", "blocked")
_BLOCKED = re.compile(r'needs "(.+)", which ')


@frozen
class Divergence:
    """A stage that gave something else by itself.

    Attributes
    ----------
    before, after
        In words how it ended in each run: "ok", "failed: ValueError: no rows".
    why
        In words what differs in its call, or that nothing does.
    downstream
        The stages that diverged because of it, in the order of the run.
    """

    stage: str
    before: str
    after: str
    why: tuple[str, ...]
    downstream: tuple[str, ...] = ()


def divergences(before: Account, after: Account, order: list[str]) -> list[Divergence]:
    """Return the stages that diverged by themselves, in the order of the run."""
    found: dict[str, _Found] = {}
    for key in order:
        pair = _pair(before, after, key)
        if pair is None or not _diverged(*pair):
            continue
        root = next((found[read].root for read in _reads(*pair) if read in found), key)
        found[key] = _Found(root)
        if root != key:
            found[root].downstream.append(key)
    roots = [key for key, one in found.items() if one.root == key]
    return [_divergence(before, after, key, found[key].downstream) for key in roots]


def same(before: Account, after: Account, order: list[str]) -> list[str]:
    """Return the stages that gave the same in both runs."""
    pairs = _with_identities(before, after, order)
    return [key for key, pair in pairs.items() if _is_told(*pair) and not _diverged(*pair)]


def not_comparable(before: Account, after: Account, order: list[str]) -> list[str]:
    """Return the stages of whose results it cannot be told whether they are the same."""
    pairs = _with_identities(before, after, order)
    return [key for key, pair in pairs.items() if not _is_told(*pair)]


def _with_identities(
    before: Account, after: Account, order: list[str]
) -> dict[str, tuple[StageAccount, StageAccount]]:
    pairs = {key: _pair(before, after, key) for key in order}
    return {
        key: pair
        for key, pair in pairs.items()
        if pair is not None and pair[0].identity and pair[1].identity
    }


def other_python(before: Account, after: Account) -> str:
    """Say that code cannot be compared, where Pythons compile it in different ways; else ""."""
    versions = [
        ".".join(each.environment.get("python", "").split(".")[:2]) for each in (before, after)
    ]
    if versions[0] == versions[1] or not all(versions):  # not known counts as the same
        return ""
    return f"Python {' and '.join(versions)} compile code differently, so it cannot be compared"


def comparable_calls(before: Account, after: Account, key: str) -> tuple[Call, Call] | None:
    """Return what a stage was called with in both runs, if it is known.

    What another version of Python compiled counts as the same: that it differs says nothing.
    """
    pair = _pair(before, after, key)
    old, new = (each.call for each in pair) if pair is not None else (None, None)
    if old is None or new is None:
        return None
    return old, evolve(new, code=old.code) if other_python(before, after) else new


@define(eq=False)
class _Found:
    """A stage that diverged, and the one that it diverged because of: itself, or another."""

    root: str
    downstream: list[str] = Factory(list)


def _pair(before: Account, after: Account, key: str) -> tuple[StageAccount, StageAccount] | None:
    if key not in before.stages or key not in after.stages:
        return None
    return before.stages[key], after.stages[key]


def _diverged(old: StageAccount, new: StageAccount) -> bool:
    if old.has_result and new.has_result:
        return _is_told(old, new) and old.identity != new.identity
    is_over = all(each.state in (*DONE, *_ENDED) for each in (old, new))
    return is_over and _words(old) != _words(new)


def _is_told(old: StageAccount, new: StageAccount) -> bool:
    return old.is_comparable and new.is_comparable


def _reads(old: StageAccount, new: StageAccount) -> Iterator[str]:
    """Yield the stages of which a stage read something else, or may have."""
    if old.call is not None and new.call is not None:
        for name, _ in input_differences(old.call, new.call):
            yield from _read_by(old.call, name)
            yield from _read_by(new.call, name)
        return
    for each in (old, new):
        for name in each.call.inputs if each.call is not None else ():
            yield from _read_by(each.call, name)
        yield from _BLOCKED.findall(each.reason)


def _read_by(call: Call | None, name: str) -> list[str]:
    told = call.inputs.get(name) if call is not None else None
    return STAGE.findall(told.source) if told is not None else []


def _divergence(before: Account, after: Account, key: str, downstream: list[str]) -> Divergence:
    old, new = before.stages[key], after.stages[key]
    why = tuple(_why(before, after, key))
    return Divergence(key, _words(old), _words(new), why, tuple(downstream))


def _why(before: Account, after: Account, key: str) -> Iterator[str]:
    calls = comparable_calls(before, after, key)
    if calls is None:
        yield "why is not known: it is not recorded what it was called with"
        return
    found = [*differences(*calls), other_python(before, after)]
    yield from list(filter(None, found)) or _unseen(before, after, key)


def _unseen(before: Account, after: Account, key: str) -> Iterator[str]:
    """Say what may be the reason where nothing in the call differs."""
    old, new = before.stages[key], after.stages[key]
    assert new.call is not None
    unknown = [told.source for told in new.call.inputs.values() if not told.digest]
    yield from (f"it reads {source}, which is not recorded" for source in unknown)
    if old.is_unstated or new.is_unstated:
        yield "it uses what its inputs do not say, by pypedream.context"
    elif not unknown:
        yield NOT_DETERMINISTIC
    if not (before.is_recorded and after.is_recorded):
        yield "of a run that recorded nothing the code is that of now"
    if before.environment != after.environment:
        yield "the environment differs"


def _words(stage: StageAccount) -> str:
    if stage.has_result:
        return "ok"
    said = ": ".join(filter(None, (stage.error.get("type"), stage.error.get("message"))))
    rest = one_line(said or stage.reason)
    return f"{stage.state}: {rest}" if rest else stage.state
