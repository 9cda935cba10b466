"""Watching: a command is given again in a fresh process whenever a file of the project was saved.

A process that has imported a module would go on with its old code, however it is reloaded: what
other modules took from it, and what objects were made, stays. So each round is a process of its
own, which `warm` makes ready. It writes no bytecode either, as that is told from old by whole
seconds only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream._extras import need
from pypedream.cli.terminal import say
from pypedream.cli.warm import Rounds
from pypedream.cli.workspaces import from_here
from pypedream.errors import StoreError
from pypedream.files.locks import Locks
from pypedream.files.paths import WORKSPACE, folded, project_root
from pypedream.formats.replacement import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SETTLED_MS = 100
_STEP_MS = 25
_SHOWN = 3
_OURS = frozenset((WORKSPACE, ".ipynb_checkpoints", "venv", ".tox", ".nox", ".ruff_cache"))


def watch(arguments: Sequence[str], folders: Iterable[Path]) -> int:
    """Give a command, and again after each save in *folders*, until Ctrl-C.

    What stages write themselves is no reason to give it again.

    Returns
    -------
    The exit code of the last one.

    Raises
    ------
    MissingExtra
        If watchfiles is not installed.
    """
    watchfiles = need("watchfiles", extra="watch", for_="--watch")
    roots = sorted({Path(os.path.realpath(folder)) for folder in folders})
    seen = _Filter(watchfiles.DefaultFilter(), roots)
    where = ", ".join(str(from_here(root)) or "." for root in roots)
    rounds = watchfiles.watch(
        *roots,
        watch_filter=seen,
        debounce=_SETTLED_MS,
        step=_STEP_MS,
        yield_on_timeout=True,
        rust_timeout=_SETTLED_MS,
        raise_interrupt=True,
    )
    code = 0
    is_first = True
    given = Rounds([str(root) for root in roots])
    try:
        for changes in rounds:  # what is saved during a round comes after it
            if not (changes or is_first):
                continue
            if changes:
                say(f"changed: {_named(changes)}", err=True)
            is_first = False
            code = given.give(arguments)
            seen.refresh()
            say(f"watching {where}; Ctrl-C ends", err=True)
            given.prepare()
    except KeyboardInterrupt:
        say("", err=True)
    finally:
        given.close()
    return code


def folders_of(file: Path | None) -> list[Path]:
    """Return what to watch for a pipeline in *file*: its project, from where paths are told."""
    here = Path.cwd() if file is None else file.parent
    return [project_root(here)]


@define(eq=False)
class _Filter:
    """Says which changes count: not those of outputs, of the workspace, or of what tools write."""

    usual: Any
    roots: list[Path]
    _outputs: set[str] = Factory(set)

    def __attrs_post_init__(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Read again from the locks what stages write."""
        self._outputs = {
            folded(str(root / path)) for root in self.roots for path in _outputs_in(root)
        }

    def __call__(self, change: Any, path: str) -> bool:
        """Say whether a change counts."""
        parts = Path(path).parts
        is_unfinished = any(part.startswith(UNFINISHED) for part in parts)
        if is_unfinished or not _OURS.isdisjoint(parts) or Path(path).is_dir():
            return False
        return bool(self.usual(change, path)) and folded(path) not in self._outputs


def _outputs_in(root: Path) -> list[str]:
    try:
        locks = Locks(root / WORKSPACE).all().values()
    except StoreError:  # the round says so
        return []
    return [path for lock in locks for path in lock.outs]


def _named(changes: Iterable[tuple[Any, str]]) -> str:
    paths = sorted({str(from_here(Path(path))) for _, path in changes})
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return f"{', '.join(paths[:_SHOWN])}{more}"
