"""The pipeline that is killed: stages of mixed length, with results from 10 bytes to 5 MB.

Each stage appends its name and the process to ``calls.txt`` when it is called, so that it can be
compared with the journal what was called although it had finished.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

from pypedream import Parameters, Pipeline, context, dependency, param

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = "calls.txt"

# Name, bytes of its result, milliseconds, and what it reads.
PLAN = (
    ("tiny", 10, 0, ""),
    ("short", 900, 4, ""),
    ("small", 7_000, 1, "tiny"),
    ("edge", 8_192, 0, "tiny"),
    ("over", 9_000, 6, "short"),
    ("medium", 30_000, 2, "small edge"),
    ("large", 200_000, 8, "over"),
    ("huge", 1_000_000, 3, "medium"),
    ("vast", 5_000_000, 0, "large medium"),
    ("late", 60_000, 12, "huge over"),
)


def flow_in(folder: Path) -> Pipeline:
    """Return the pipeline, with its workspace and its list of calls in a folder."""
    flow = Pipeline("storm", Parameters.define(seed=1), workspace=folder / "w", progress=False)
    os.environ["STORM_FOLDER"] = str(folder)
    for name, size, pause_ms, needs in PLAN:
        reads = [dependency(need) for need in needs.split()]
        flow.stage(_made(name, size, pause_ms / 1000), name=name, inputs=[*reads, param("seed")])
    flow.stage(waiting, name="waiting", inputs=[dependency("large")])
    flow.stage(hidden, name="hidden", inputs=[dependency("short")])
    flow.stage(table, name="table", inputs=[dependency(name) for name in LAST])
    return flow


LAST = ("vast", "late", "waiting", "hidden")


async def waiting(large: bytes) -> str:
    """Give text, as a coroutine."""
    from asyncio import sleep as pause

    called("waiting")
    await pause(0.005)
    return sha256(large).hexdigest() * 20


def hidden(short: bytes) -> tuple[int, bytes]:
    """Read a parameter that its inputs do not name: only its own run can be resumed with it."""
    called("hidden")
    return context.PARAMETERS.get()["seed"], short[:20]


def table(vast: bytes, late: bytes, waiting: str, hidden: tuple[int, bytes]) -> dict[str, Any]:
    """Give something of everything."""
    called("table")
    return {"vast": len(vast), "late": late[:10], "waiting": waiting, "hidden": hidden}


def _made(name: str, size: int, pause_s: float) -> Callable[..., bytes]:
    def stage(*, seed: int, **inputs: bytes) -> bytes:
        called(name)
        print(name, "is at work")
        sleep(pause_s)
        start = sha256(f"{name} {seed}".encode() + b"".join(inputs.values())).digest()
        return (start * (size // len(start) + 1))[:size]

    return stage


def called(name: str) -> None:
    """Write down that a stage is called, by one system call."""
    path = Path(os.environ["STORM_FOLDER"], CALLS)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(file, f"{name} {os.getpid()}\n".encode())
    os.close(file)


def calls_in(folder: Path) -> list[tuple[str, int]]:
    """Return the stages that were called, each with the process, in order."""
    try:
        lines = (folder / CALLS).read_text().split("\n")
    except FileNotFoundError:
        return []
    return [(name, int(pid)) for name, pid in (line.split() for line in lines if line)]
