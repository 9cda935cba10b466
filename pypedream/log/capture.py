"""Everything that turns what user code prints and logs into events, for as long as a run lasts.

The parts are independent, and each counts its users: runs may overlap and end in any order. Each
of them looks whether it is called within a stage, and does nothing if it is not.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from pypedream.context import STAGE
from pypedream.log.asking import INPUT
from pypedream.log.debugger import BREAKPOINT
from pypedream.log.lock import free_all
from pypedream.log.output import PASS_THROUGH, captured, finish_left
from pypedream.log.stdlib import BASIC_CONFIG, HANDLERS, ROOT_LEVEL
from pypedream.log.streams import STREAMS, beneath
from pypedream.log.threads import POOLS, THREADS
from pypedream.log.warned import WARNINGS
from pypedream.places import running_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.log.patch import Change

__all__ = ["capturing"]

_IN_STAGE: tuple[Change, ...] = (
    STREAMS,
    HANDLERS,
    BASIC_CONFIG,
    ROOT_LEVEL,
    WARNINGS,
    BREAKPOINT,
    INPUT,
)
_IN_THREADS: tuple[Change, ...] = (THREADS, POOLS)
_CHANGES: dict[bool | str, tuple[Change, ...]] = {
    True: (*_IN_STAGE, *_IN_THREADS),
    "stage": _IN_STAGE,
    False: (),
}


@contextmanager
def capturing(mode: bool | str = True) -> Iterator[None]:
    """Capture what stages print and log as long as this lasts.

    Parameters
    ----------
    mode
        True for everything; "stage" without what threads and pools print that a stage starts;
        False for nothing. The attempts of a run that captures nothing must have `PASS_THROUGH` for
        their output, as another run may capture at the same time.
    """
    user, changes = object(), _CHANGES[mode]
    if changes and running_kernel() is not None:
        changes += _in_kernel()
    if changes:
        _follow_forks()
    try:
        for change in changes:
            change.begin(user)
        yield
    finally:
        for change in reversed(changes):
            change.end(user)
        if not STREAMS.is_needed:
            finish_left()


@cache
def _in_kernel() -> tuple[Change, ...]:
    """Return what is to be captured besides under the cell of a notebook."""
    from pypedream.log.children import CHILDREN
    from pypedream.log.displayed import CLEARED, DISPLAYED
    from pypedream.log.figures import FIGURES

    return (DISPLAYED, CLEARED, FIGURES, *CHILDREN)


@cache
def _follow_forks() -> None:
    """See to it that a child of this process prints as if no run were active; once and for all."""
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)


def _before_fork() -> None:
    if captured() is None:
        return
    for stream in map(beneath, (sys.stdout, sys.stderr)):
        try:
            stream.flush()  # or the child writes it a second time
        except (AttributeError, OSError, RuntimeError, ValueError):
            continue  # None, closed, or in the middle of writing: then it was not us


def _after_fork_in_child() -> None:
    free_all()
    attempt = STAGE.get()
    if attempt is not None:
        attempt.output = PASS_THROUGH
        STAGE.set(None)
    changes = _CHANGES[True]
    if running_kernel() is not None:
        changes += _in_kernel()
    for change in reversed(changes):
        change.forget()
