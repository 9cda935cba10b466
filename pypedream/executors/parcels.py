"""Jobs on their way to somebody else's workers, and what comes back: bytes to who carries them."""

from __future__ import annotations

import os
import platform
import signal
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import TYPE_CHECKING, Any

from attrs import define

from pypedream.errors import ExecutorError
from pypedream.executors.jobs import calls_of, reply_of
from pypedream.executors.packing import FAILURES, Packed
from pypedream.executors.performing import made
from pypedream.executors.remote_log import PERIOD_S, RemoteLog
from pypedream.executors.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypedream.executors.jobs import Job, Kit, Reply, Row
    from pypedream.executors.segments import Tail

__all__ = ["Delivery", "Parcel", "parcel_of"]

WATCH_S = 0.5


@define(eq=False)
class Delivery:
    """What comes back of a job.

    Attributes
    ----------
    packed
        The `Reply`, pickled; None if no call was made.
    problem
        Why none was.
    error
        Name of the class of what a call raised, with the module.
    segment_bytes
        How much of the segment was written; 0 if there was none where the job was.
    """

    packed: Packed | None
    problem: str = ""
    error: str | None = None
    segment_bytes: int = 0

    def reply(self) -> Reply:
        """Return the reply.

        Raises
        ------
        ExecutorError
            If no call was made.
        """
        if self.packed is None:
            raise ExecutorError(self.problem)
        return reply_of(_own(self.packed))


@define(eq=False)
class Parcel:
    """A job without its kit, ready to travel: call it with the kit, and it returns a `Delivery`.

    Attributes
    ----------
    calls
        Keys and values of the calls, pickled.
    path
        Folders from which the sender imports modules of its own.
    segment, mark
        Where rows of the log go if that file bears the mark.
    parent
        Process that the worker must not outlive, and the group of processes that it leads neither;
        None where the worker is not ours.
    """

    calls: Packed
    path: tuple[str, ...]
    segment: str | None = None
    mark: str = ""
    parent: int | None = None
    python: str = platform.python_version()

    def __call__(self, packed: Packed) -> Delivery:
        """Make the calls."""
        if self.parent is not None:
            _die_with(self.parent)
        sys.path.extend(
            folder for folder in self.path if folder not in sys.path and os.path.isdir(folder)
        )
        try:
            kit: Kit = _own(packed, is_shared=True).value()
            keys, calls = calls_of(_own(self.calls))
        except FAILURES as error:
            return Delivery(None, self._problem(packed.of, error))
        segment = None
        if self.segment is not None:
            segment = Segment.opened(self.segment, self.mark, kit.secrets)
        if segment is None:
            return _delivery(made(kit, RemoteLog(kit.run), keys, calls))
        return _delivery(*_made_with(segment, kit, keys, calls))

    def _problem(self, of: str, error: BaseException) -> str:
        """Say why a worker cannot unpack what it got."""
        there = platform.python_version()
        where = f"the worker on {platform.node()} (Python {there})"
        if there.split(".")[:2] != self.python.split(".")[:2]:
            fix = f"; this is Python {self.python}, and both must be of the same version"
        elif isinstance(error, ImportError):
            fix = "; install it there, or keep it in a folder that both see"
        else:
            fix = ""
        said = f"{type(error).__name__}: {error}"
        return f"{of}: {where} cannot unpack its call ({said}){fix}"


def _made_with(
    segment: Segment, kit: Kit, keys: Sequence[Any], calls: Sequence[tuple[Any, ...]]
) -> tuple[Reply, int]:
    """Make the calls while what they say goes to *segment*; return how much of that is whole."""
    unwritten: list[Row] = []
    log = RemoteLog(kit.run, lambda rows: unwritten.extend(segment.write(rows)))
    ended = Event()
    ticker = Thread(target=_tick, args=(log, ended), name="pypedream-log", daemon=True)
    ticker.start()
    try:
        reply = made(kit, log, keys, calls, segment)
    finally:
        ended.set()
        ticker.join()
    reply.rows = [*unwritten, *segment.write(reply.rows)]
    segment.close()
    return reply, segment.size_bytes


def parcel_of(job: Job, tail: Tail | None, *, parent: int | None = None) -> Parcel:
    """Return *job* ready to travel, without its kit.

    Raises
    ------
    UnpicklableValue, MissingExtra
        As in `Job.pack_calls`.
    """
    path, mark = (None, "") if tail is None else (tail.path, tail.mark)
    return Parcel(job.pack_calls(), _own_folders(), path, mark, parent)


def _own_folders() -> tuple[str, ...]:
    """Return the folders on the path where the user's modules are, not those of an environment.

    A worker may have another Python, for which packages of this one are poison.
    """
    folders = [os.path.abspath(entry) for entry in sys.path]
    return tuple(
        folder for folder in dict.fromkeys(folders) if os.path.isdir(folder) and _is_own(folder)
    )


def _is_own(folder: str) -> bool:
    if not {"site-packages", "dist-packages"}.isdisjoint(Path(folder).parts):
        return False
    return not folder.startswith(sysconfig.get_paths()["stdlib"])


def _own(packed: Packed, *, is_shared: bool = False) -> Packed:
    """Return *packed* with buffers that may be written to, and that nobody else has.

    Arrays are made on top of them. Those that a library hands out may be read-only, or shared with
    other calls in the same process, which must not see what a stage does to its input.
    """
    buffers = tuple(
        bytearray(buffer) if is_shared or memoryview(buffer).readonly else buffer
        for buffer in packed.buffers
    )
    return Packed(packed.id, packed.of, packed.data, buffers)


def _delivery(reply: Reply, segment_bytes: int = 0) -> Delivery:
    kind = None if reply.error is None else reply.error.kind
    return Delivery(reply.pack(), "", kind, segment_bytes)


def _tick(log: RemoteLog, ended: Event) -> None:
    """Hand over what a burst left behind, though nothing more is said for a while."""
    while not ended.wait(PERIOD_S):
        log.deliver()


_watched: set[int] = set()


def _die_with(parent: int) -> None:
    """See to it that this process ends soon after *parent*, and its children with it."""
    if parent not in _watched:
        _watched.add(parent)
        Thread(target=_watch, args=(parent,), name="pypedream-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while _is_alive(parent):
        sleep(WATCH_S)
    os.killpg(0, signal.SIGKILL)


def _is_alive(process: int) -> bool:
    with suppress(PermissionError):  # it is there, and somebody else's
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True
