"""How a worker process is started, waited for and killed, as each system does it.

It is a new interpreter and never a fork: threads, locks and open files of this process are not in
it, and the user's script is not run again. It gets a session of its own, so that Ctrl-C does not
reach it and its children can be ended with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream.executors.cell import Cell, scratch_file
from pypedream.executors.channel import Channel
from pypedream.executors.descendants import descendants
from pypedream.executors.taps import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Started", "kill_all", "start", "wait_unreaped"]

_CODE = "import sys; sys.path[:] = {path}; from {module} import main; main({ends}, {parent})"
_MODULE = "pypedream.executors.worker"
_X_OPTIONS = frozenset(
    ["dev", "frozen_modules", "gil", "no_debug_ranges", "pycache_prefix", "utf8"]
)
_FLAGS = {
    "isolated": "-I",
    "ignore_environment": "-E",
    "no_user_site": "-s",
    "no_site": "-S",
    "dont_write_bytecode": "-B",
}


@define
class Started:
    """A process that was started, and what connects it to this one.

    Attributes
    ----------
    process, channel, cell
        The process, the way to it, and the memory that both see.
    outputs
        The files that it has for its standard streams, where the system has such files.
    to_close, to_remove
        What is to go when it has ended: open files, and names of files.
    """

    process: subprocess.Popen[bytes]
    channel: Channel
    cell: Cell
    outputs: dict[str, int] = Factory(dict)
    to_close: list[int] = Factory(list)
    to_remove: list[str] = Factory(list)

    def close(self) -> None:
        """Let go of everything."""
        self.channel.close()
        self.cell.close()
        for fd in self.to_close:
            os.close(fd)
        for path in self.to_remove:
            with suppress(OSError):
                os.unlink(path)


def start() -> Started:
    """Start a worker.

    Raises
    ------
    OSError
        If the system does not do it.
    """
    return _start_on_windows() if sys.platform == "win32" else _start_with_pipes()


def _start_with_pipes() -> Started:
    cell, cell_fd = Cell.new()
    jobs_out, jobs_in = os.pipe()  # read by the worker, written here
    replies_out, replies_in = os.pipe()
    sentinel_out, sentinel_in = os.pipe()
    outputs = {stream: _appending(scratch_file(stream)) for stream in STREAMS}
    ends = {"jobs": jobs_out, "replies": replies_in, "cell": cell_fd, "sentinel": sentinel_out}
    try:
        process = subprocess.Popen(  # noqa: S603 - it is this very interpreter
            [*_interpreter(), "-c", _code({**ends, **outputs})],
            stdin=subprocess.DEVNULL,
            stdout=outputs["stdout"],
            stderr=outputs["stderr"],
            pass_fds=[*ends.values(), *outputs.values()],
            start_new_session=True,
        )
    except BaseException:
        cell.close()
        for fd in (jobs_in, replies_out, sentinel_in, *outputs.values()):
            os.close(fd)
        raise
    finally:
        for fd in ends.values():
            os.close(fd)
    channel = Channel(replies_out, jobs_in)
    return Started(process, channel, cell, outputs, [*outputs.values(), sentinel_in])


def _start_on_windows() -> Started:
    """Use the standard streams, which the worker then puts aside: others do not come through."""
    from tempfile import mkstemp

    cell_fd, path = mkstemp(prefix="pypedream-cell-")
    cell = Cell.in_file(cell_fd)
    os.close(cell_fd)
    ends = {"jobs": 0, "replies": 1, "cell": path}
    process = subprocess.Popen(  # noqa: S603 - it is this very interpreter
        [*_interpreter(), "-c", _code(ends)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    channel = Channel(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()))
    process.stdout.close()
    process.stdin.close()
    return Started(process, channel, cell, to_remove=[path])


def wait_unreaped(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has ended, but leave it its number, which its group still has."""
    if not hasattr(os, "waitid"):
        process.wait()
        return
    with suppress(ChildProcessError):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that was not reaped, its group, and children that left the group."""
    if not hasattr(os, "killpg"):
        tree = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(tree, capture_output=True, check=False)  # noqa: S603
        process.kill()
        return
    others = descendants(process.pid)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pid in others:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _code(ends: dict[str, Any]) -> str:
    path = [str(entry) for entry in sys.path]
    return _CODE.format(path=path, module=_MODULE, ends=ends, parent=os.getpid())


def _interpreter() -> Iterator[str]:
    """Yield the command of this interpreter, with the options that change what code does."""
    yield sys.executable or "python"
    yield from (f"-W{option}" for option in sys.warnoptions)
    for name, value in getattr(sys, "_xoptions", {}).items():
        if name in _X_OPTIONS:
            yield f"-X{name}" if value is True else f"-X{name}={value}"
    yield from (option for flag, option in _FLAGS.items() if getattr(sys.flags, flag))
    if sys.flags.optimize:
        yield "-" + "O" * sys.flags.optimize


def _appending(fd: int) -> int:
    import fcntl

    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)
    return fd
