"""A worker process: it takes jobs from its parent, one at a time, and sends replies.

It is started with nothing but the parent's ``sys.path``; what else of the parent a function may
rely on, such as the working folder and the environment, comes with the first job and again when it
has changed.
"""

from __future__ import annotations

import os
import signal
import sys
from array import array
from collections import OrderedDict
from contextlib import ExitStack, suppress
from functools import partial
from importlib import invalidate_caches
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, field

from pypedream.executors.cell import BEGUN, CALL, Cell
from pypedream.executors.channel import Channel
from pypedream.executors.errands import LOADING, MOST_KITS, STALE, Errand
from pypedream.executors.jobs import Reply, calls_of
from pypedream.executors.mishaps import Mishap
from pypedream.executors.performing import Bench
from pypedream.executors.pulse import Pulse
from pypedream.executors.remote_log import RemoteLog
from pypedream.executors.sentinel import die_with_parent, end_group
from pypedream.executors.sharing import Segment, packed_of, wire_of
from pypedream.executors.sources import Sources
from pypedream.executors.taps import STREAMS, Taps
from pypedream.log.capture import capturing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pypedream.executors.jobs import Kit, Row
    from pypedream.executors.taps import Ends

__all__ = ["main"]

_UNBUFFERED, _PUNCH_HOLE = 2, 3
_STANDARD = 2  # the last of the standard streams


@define(eq=False)
class Worker:
    """The state of this process."""

    channel: Channel
    cell: Cell
    taps: Taps
    sources: Sources = Factory(Sources)
    _pid: int = Factory(os.getpid)
    _folder: str = ""
    _benches: OrderedDict[str, Bench] = Factory(OrderedDict)
    _mode: bool | str = True
    _capture: ExitStack = Factory(ExitStack)
    _segments: list[Segment] = Factory(list)
    _pulse: Pulse = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._capture.enter_context(capturing(self._mode))
        self.taps.at = self.cell.numbers[CALL : CALL + 1]
        self._pulse = Pulse(self.taps)

    def work(self) -> None:
        """Do what the parent says until it says no more."""
        self.channel.send(("ready", self._pid))
        while (errand := self.channel.receive()) is not None:
            self._segments.clear()  # the parent has mapped them
            if errand:
                self._do(Errand(*errand))

    def _do(self, errand: Errand) -> None:
        if errand.surroundings is not None:
            errand.surroundings.enter()
            self._folder = errand.surroundings.folder
        elif self._has_strayed():
            with suppress(OSError):
                os.chdir(self._folder)
        if errand.kit is not None and self.sources.have_changed():
            os._exit(STALE)
        self._forget(errand.forgotten)
        numbers = self.cell.numbers
        numbers[CALL] = 0
        numbers[BEGUN] = errand.number
        reply = self._reply(errand)
        if os.getpid() != self._pid:  # a child that the function forked and forgot
            os._exit(0)
        wire = wire_of(reply.pack(), self._segment)
        self.channel.send(("reply", errand.number, wire, errand.kit_id in self._benches))

    def _reply(self, errand: Errand) -> Reply:
        try:
            bench = self._bench(errand)
            keys, calls = calls_of(packed_of(errand.calls))
        except BaseException as error:  # noqa: BLE001 - a module that cannot be imported, for one
            error.add_note("while a worker process loaded the call")
            return Reply([], 0, array("q"), Mishap.of(error), pid=self._pid, of=errand.calls[1])
        self._pulse.start(bench.log)
        try:
            return bench.make_calls(keys, calls, self.taps)
        finally:
            self.taps.settle()
            bench.log.settle()
            self.taps.attempt = None
            self._pulse.stop()

    def _bench(self, errand: Errand) -> Bench:
        bench = self._benches.get(errand.kit_id)
        if bench is not None:
            self._benches.move_to_end(errand.kit_id)
            return bench
        assert errand.kit is not None
        invalidate_caches()  # of folders in which a module may be new
        with LOADING:
            kit: Kit = packed_of(errand.kit).value()
        self.sources.note()
        self._use(kit.capture)
        log = RemoteLog(kit.run)
        log.follow(self.taps, partial(self._tell, errand.kit_id))
        bench = Bench(kit, log)
        self._benches[errand.kit_id] = bench
        if len(self._benches) > MOST_KITS:
            _, oldest = self._benches.popitem(last=False)
            oldest.log.close()
        return bench

    def _forget(self, kits: Sequence[str]) -> None:
        for kit_id in kits:
            bench = self._benches.pop(kit_id, None)
            if bench is not None:
                bench.log.close()

    def _use(self, mode: bool | str) -> None:
        """Capture as much as the run wants; and show warnings again that the last run showed."""
        import warnings

        with warnings.catch_warnings():  # forgets which have been shown
            pass
        if mode != self._mode:
            self._capture.close()
            self._capture.enter_context(capturing(mode))
            self._mode = mode

    def _tell(self, kit_id: str, rows: list[Row], ends: Ends, unfinished: list[Row]) -> None:
        if os.getpid() != self._pid:  # in a child, which has the parent's log in its memory
            return
        kind = "rows" if self._mode else "said"
        self.channel.send((kind, kit_id, rows, ends, unfinished))

    def _segment(self, buffer: Any) -> Segment | None:
        try:
            segment = Segment(memoryview(buffer).cast("B"))
        except (OSError, TypeError):
            return None
        self._segments.append(segment)
        return segment

    def _has_strayed(self) -> bool:
        try:
            return os.getcwd() != self._folder
        except OSError:
            return True


def main(ends: dict[str, Any], parent: int) -> None:
    """Work for the process *parent* as long as it is there.

    Parameters
    ----------
    ends
        Numbers of the files that the parent opened: "jobs", "replies" and "cell", which may be a
        path, and where there is such a thing "stdout", "stderr" and "sentinel".
    """
    # A handler of ours, and not SIG_IGN, which the children of a stage would inherit.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    if isinstance(ends["cell"], str):
        ends["cell"] = os.open(ends["cell"], os.O_RDWR)
    for fd in ends.values():
        os.set_inheritable(fd, fd <= _STANDARD)  # not for the children of a stage
    die_with_parent(parent, ends.get("sentinel"))
    channel = Channel(*_own_ends(ends["jobs"], ends["replies"]))
    _prepare_streams()
    cell = Cell(ends["cell"])
    taps = Taps({name: ends[name] for name in STREAMS if name in ends}, _prepare_c())
    worker = Worker(channel, cell, taps)
    try:
        worker.work()
    except (EOFError, OSError):
        end_group()  # the parent is gone


def _own_ends(jobs: int, replies: int) -> tuple[int, int]:
    """Return the ends of the pipes, away from the standard streams, where user code could write."""
    if jobs > _STANDARD:
        return jobs, replies
    own = os.dup(jobs), os.dup(replies)
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (jobs, replies):
        os.dup2(nothing, fd)
    return own


def _prepare_streams() -> None:
    """Let what is written reach the file at once, whatever it is, and a crash say where it was."""
    import faulthandler

    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace", write_through=True)
    with suppress(OSError, ValueError, RuntimeError):
        faulthandler.enable()


def _prepare_c() -> Callable[[int, int, int], object] | None:
    """Let C code write without a buffer; return what gives back the memory of a file's part."""
    if os.name != "posix":
        return None
    try:
        import ctypes

        libc = ctypes.CDLL(None)
    except (ImportError, OSError):
        return None
    for name in ("stdout", "__stdoutp"):
        with suppress(ValueError, AttributeError):
            libc.setvbuf(ctypes.c_void_p.in_dll(libc, name), None, _UNBUFFERED, ctypes.c_size_t(0))
    fallocate = getattr(libc, "fallocate", None)
    if fallocate is None:
        return None
    size = ctypes.c_int64
    return lambda fd, start, length: fallocate(fd, _PUNCH_HOLE, size(start), size(length))
