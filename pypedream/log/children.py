"""What a child process of a stage prints in a notebook becomes lines of the stage.

A kernel gives its children pipes of its own and puts what comes through under whichever cell is
run. So here they get pipes that belong to the stage. On a terminal they keep the terminal, which
they may need.
"""

from __future__ import annotations

import os
import subprocess
import sys
from codecs import getincrementaldecoder
from contextvars import Context
from functools import wraps
from inspect import signature
from threading import Thread
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pypedream.log.lines import Line
from pypedream.log.output import at_end, captured
from pypedream.log.patch import Patch

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from pypedream.context import Attempt

__all__ = ["CHILDREN"]

STREAMS = ("stdout", "stderr")
AT_ONCE = 1 << 16
LAST_WORDS_S = 0.5
"""So long what a child has printed is waited for once it is over: a child of it may go on."""


class _Pipe:
    """One stream of one child process: the end to write to, and who reads the other."""

    def __init__(self, attempt: Attempt, stream: str) -> None:
        self._line = Line(attempt, stream)
        self._source, self.target = os.pipe()
        self._is_left = False
        self._thread = Thread(target=self._read, name="pypedream-child", daemon=True)

    def begin(self) -> None:
        """Read; the child has its end now."""
        os.close(self.target)
        Context().run(self._thread.start)

    def close(self) -> None:
        """Give up: there is no child."""
        os.close(self.target)
        os.close(self._source)

    def drain(self) -> None:
        """Wait until all is read that the child wrote; not for long and only once, it may go on."""
        if not self._is_left:
            self._thread.join(LAST_WORDS_S)
            self._is_left = True

    def _read(self) -> None:
        line, log = self._line, self._line.attempt.log
        decode = getincrementaldecoder("utf-8")("backslashreplace").decode
        try:
            while data := os.read(self._source, AT_ONCE):
                text = decode(data)
                if log.is_closed:
                    getattr(sys, line.stream).write(line.take() + text)
                else:
                    line.write(text)
        finally:
            os.close(self._source)
            if not log.is_closed:
                line.finish()


_pipes: WeakKeyDictionary[subprocess.Popen[Any], list[_Pipe]] = WeakKeyDictionary()


def _with_pipes(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it stands for it
        attempt = captured()
        if attempt is None:
            return original(self, *args, **kwargs)
        try:
            given = signature(original).bind(self, *args, **kwargs)
        except TypeError:
            return original(self, *args, **kwargs)  # which says what is wrong
        free = [stream for stream in STREAMS if given.arguments.get(stream) is None]
        pipes = {stream: _Pipe(attempt, stream) for stream in free}
        given.arguments.update({stream: pipe.target for stream, pipe in pipes.items()})
        try:
            original(*given.args, **given.kwargs)
        except BaseException:
            for pipe in pipes.values():
                pipe.close()
            raise
        _pipes[self] = [*pipes.values()]
        for pipe in pipes.values():
            pipe.begin()
            at_end(attempt, pipe.drain)
        return None

    return __init__


def _draining(original: Callable[..., int]) -> Callable[..., int]:
    @wraps(original)
    def wait(self: Any, *args: Any, **kwargs: Any) -> int:
        code = original(self, *args, **kwargs)
        for pipe in _pipes.pop(self, ()):  # before whatever the stage prints next
            pipe.drain()
        return code

    return wait


def _as_child(original: Callable[[str], int]) -> Callable[[str], int]:
    @wraps(original)
    def system(command: str) -> int:
        if captured() is None or os.name == "nt":
            return original(command)
        code = subprocess.call(command, shell=True)  # noqa: S602 - that is what system() does
        return -code if code < 0 else code << 8  # as wait() would say it

    return system


def _popen() -> type:
    return subprocess.Popen


def _os() -> ModuleType:
    return os


CHILDREN = (
    Patch(_popen, "__init__", _with_pipes),
    Patch(_popen, "wait", _draining),
    Patch(_os, "system", _as_child),
)
