"""Warm: a process that has loaded what the next round of ``--watch`` needs, and waits for it.

It is made while nothing is to be done, and gives one command. Nothing of the user's is loaded
before, so nothing in it can be old; if something is all the same, as when a file of the project
hides a module of Python, or if packages were installed meanwhile, it ends without a word, and the
round has a process that is made for it.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from runpy import run_module
from typing import TYPE_CHECKING, Final

from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Sequence
    from subprocess import Popen

__all__ = ["Rounds"]

UNUSED: Final = 86
"""The exit code of a process that did nothing."""

_LOADED: Final = (
    "pypedream.cli.at_rest",
    "pypedream.cli.commands",
    "pypedream.cli.repro",
    "pypedream.cli.up_to_date",
    "pypedream.engine.asked_before",
    "pypedream.engine.carry_out",
    "pypedream.engine.execution",
    "pypedream.engine.explain",
    "pypedream.engine.file_keeping",
    "pypedream.engine.files_before",
    "pypedream.engine.keeping",
    "pypedream.engine.lookup",
    "pypedream.engine.missing_files",
    "pypedream.engine.overwritten",
    "pypedream.engine.resting",
    "pypedream.engine.scheduler",
    "pypedream.engine.stage_locks",
    "pypedream.files.blobs",
    "pypedream.files.globs",
    "pypedream.files.params",
    "pypedream.files.stage_groups",
    "pypedream.files.staging",
    "pypedream.log.event_log",
    "pypedream.store.cache_store",
    "pypedream.store.results",
)
_PACKAGES: Final = ("site-packages", "dist-packages")


@define(eq=False)
class Rounds:
    """Gives commands, each in a process of its own, of which the next is made ready before.

    Attributes
    ----------
    roots
        The folders whose files are the user's.
    """

    roots: Sequence[str]
    _next: Popen[bytes] | None = field(default=None, init=False)
    _channel: int = field(default=-1, init=False)

    def give(self, arguments: Sequence[str]) -> int:
        """Give a command, and wait for it, also after Ctrl-C; return its exit code."""
        process = self._begun(arguments)
        code = UNUSED if process is None else _waited(process)
        return _waited(_started("pypedream", *arguments)) if code == UNUSED else code

    def prepare(self) -> None:
        """Make the next process ready, where that can be done."""
        self.close()
        if os.name == "nt":  # a channel of its own has no number there
            return
        theirs, self._channel = os.pipe()
        try:
            self._next = _started("pypedream.cli.warm", str(theirs), *self.roots, channel=theirs)
        finally:
            os.close(theirs)

    def close(self) -> None:
        """End the process that waits."""
        if self._next is not None:
            os.close(self._channel)
            self._next.wait()
            self._next = None

    def _begun(self, arguments: Sequence[str]) -> Popen[bytes] | None:
        process, self._next = self._next, None
        if process is None:
            return None
        try:
            os.write(self._channel, json.dumps(list(arguments)).encode())
        except BrokenPipeError:  # it was killed
            process.wait()
            return None
        finally:
            os.close(self._channel)
        return process


def _started(module: str, *arguments: str, channel: int | None = None) -> Popen[bytes]:
    from subprocess import Popen

    return Popen(  # noqa: S603 - this program, with words that were given to it
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        pass_fds=() if channel is None else (channel,),
    )


def _waited(process: Popen[bytes]) -> int:
    try:
        return process.wait()
    except KeyboardInterrupt:  # the process has it as well
        process.wait()
        raise


def _main(channel: int, roots: Sequence[str]) -> None:
    """Load, wait for the words of a command, and give it; none come if nobody needs it."""
    try:
        before = _installed()
        for name in _LOADED:
            import_module(name)
        with open(channel, "rb") as file:
            words = file.read()
        is_usable = bool(words) and not _is_of_user(roots) and before == _installed()
    except KeyboardInterrupt:
        is_usable = False
    if not is_usable:
        sys.exit(UNUSED)
    sys.argv[1:] = json.loads(words)
    run_module("pypedream", run_name="__main__", alter_sys=True)


def _is_of_user(roots: Sequence[str]) -> bool:
    """Say whether a module was loaded that the user may change while he watches."""
    files = (getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))
    own = (file for file in files if file.startswith(tuple(f"{root}{os.sep}" for root in roots)))
    return any(not any(name in file for name in _PACKAGES) for file in own)


def _installed() -> list[int]:
    """Return what is another one once a package was installed or removed."""
    folders = [path for path in sys.path if path.endswith(_PACKAGES) and os.path.isdir(path)]
    return [os.stat(folder).st_mtime_ns for folder in folders]


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2:])
