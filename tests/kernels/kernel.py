"""A Jupyter kernel of any environment, and what each of its cells showed, whenever it came."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from queue import Empty
from textwrap import dedent
from typing import Any

import pypedream

PACKAGE = str(Path(pypedream.__file__).parents[1])
LONGEST_S = 60.0
OURS = ("attrs", "click", "structlog", "toolz", "cloudpickle")
BESIDES = ("ipywidgets", "matplotlib", "pandas", "rich", "tqdm")
VERSIONS = {
    "ipykernel-6": ("ipykernel==6.31.*", "ipython==8.*"),
    "ipykernel-7": ("ipykernel==7.*", "ipython==9.*"),
}


def python_with(version: str, folder: Path) -> str:
    """Return the Python of an environment with a version of the kernel; make it if need be.

    It is kept in *folder*, and made again if it was left half made or if other packages are wanted.
    """
    place = folder / version
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = place / "done"
    wanted = [*VERSIONS[version], *OURS, *BESIDES]
    if not done.exists() or done.read_text(encoding="utf-8").split() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=True)
        done.write_text("\n".join(wanted), encoding="utf-8")
    return str(python)


class Cell:
    """What one cell has shown so far.

    Attributes
    ----------
    streams
        What it printed, by "stdout" and "stderr".
    displays
        What it displayed, each as text.
    views
        From each output that can be replaced to what it showed, one after the other.
    error
        The traceback, as it is shown; empty without one.
    """

    def __init__(self) -> None:
        self.streams: dict[str, str] = defaultdict(str)
        self.displays: list[str] = []
        self.views: dict[str, list[dict[str, str]]] = defaultdict(list)
        self.error = ""
        self.is_idle = False

    @property
    def text(self) -> str:
        """All that was printed."""
        return self.streams["stdout"] + self.streams["stderr"]

    def take(self, message: dict[str, Any]) -> None:
        """Add what a message of the kernel says."""
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "stream":
            self.streams[content["name"]] += content["text"]
        elif kind in ("display_data", "execute_result", "update_display_data"):
            name = content.get("transient", {}).get("display_id")
            if name is not None:
                self.views[name].append(content["data"])
            if kind != "update_display_data":
                self.displays.append(content["data"].get("text/plain", ""))
        elif kind == "error":
            self.error = "\n".join(content["traceback"])
        elif kind == "status":
            self.is_idle = content["execution_state"] == "idle"


class Kernel:
    """A kernel that runs cells; lives until `stop`.

    Parameters
    ----------
    folder
        Where it works.
    settings
        Where it keeps what IPython keeps, so that nothing of the user's is read or changed.
    """

    def __init__(self, folder: Path, settings: Path, python: str = sys.executable) -> None:
        from jupyter_client.manager import KernelManager

        path = os.pathsep.join(filter(None, [PACKAGE, os.environ.get("PYTHONPATH")]))
        self._cells: dict[str, Cell] = defaultdict(Cell)
        self._manager = KernelManager()
        self._manager.kernel_spec.argv[0] = python
        own = {**os.environ, "PYTHONPATH": path, "IPYTHONDIR": str(settings)}
        own.pop("PYTEST_CURRENT_TEST", None)  # with it a kernel leaves descriptors to pytest
        self._manager.start_kernel(cwd=str(folder), env=own)
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=LONGEST_S)

    def begin(self, text: str) -> Cell:
        """Run a cell, and return at once what it will show."""
        return self._cells[self._client.execute(dedent(text).strip())]

    def run(self, text: str) -> Cell:
        """Run a cell, and return what it showed until it was done."""
        cell = self.begin(text)
        self.wait_for(lambda: cell.is_idle, f"the end of {text}")
        return cell

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the kernel, a literal."""
        asked = {"value": expression}
        number = self._client.execute("", silent=True, user_expressions=asked)
        reply = self._reply_to(number)["content"]["user_expressions"]["value"]
        assert reply["status"] == "ok", reply
        return ast.literal_eval(reply["data"]["text/plain"])

    def _reply_to(self, number: str) -> dict[str, Any]:
        while True:
            reply: dict[str, Any] = self._client.get_shell_msg(timeout=LONGEST_S)
            if reply["parent_header"]["msg_id"] == number:
                return reply

    def wait_for(self, probe: Any, what: str) -> None:
        """Take messages until something is so."""
        end = time.monotonic() + LONGEST_S
        while not probe():
            assert time.monotonic() < end, f"waited {LONGEST_S:.0f} s for {what}"
            try:
                message = self._client.get_iopub_msg(timeout=0.2)
            except Empty:
                continue
            self._home_of(message).take(message)

    def _home_of(self, message: dict[str, Any]) -> Cell:
        """Return the cell that shows a message: where the output is that it replaces, if it does.

        An old kernel says of what a thread replaces that it belongs to the cell of the moment.
        """
        if message["header"]["msg_type"] == "update_display_data":
            name = message["content"]["transient"]["display_id"]
            for cell in self._cells.values():
                if name in cell.views:
                    return cell
        return self._cells[message["parent_header"].get("msg_id", "")]

    def answer(self, cell: Cell, *answers: str) -> list[str]:
        """Answer each question that a cell asks; return the questions when it has ended."""
        asked = []
        for answer in answers:
            asked.append(self._client.get_stdin_msg(timeout=LONGEST_S)["content"]["prompt"])
            self._client.input(answer)
        self.wait_for(lambda: cell.is_idle, "the end of the cell")
        return asked

    def interrupt(self) -> None:
        """Press the stop button."""
        self._manager.interrupt_kernel()

    def stop(self) -> None:
        """End the kernel."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
