"""Full: files that may not grow further, and a disk that is really full; then there is room."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.storm.kills import undisturbed
from tests.storm.lives import History

SMALLEST, LARGEST = 2_000, 30_000_000
Room = Callable[[Path, int], AbstractContextManager[Callable[[], object] | None]]


def full(times: int, seed: int) -> Counter[str]:
    """Run with too little room so many times, and let another process go on with enough."""
    chance, counts = Random(seed), Counter[str]()
    rooms: dict[str, Room] = {"limits for a file": limited}
    if can_mount():
        rooms["disks"] = mounted
    with TemporaryDirectory(prefix="storm-") as name:
        values, _ = undisturbed(Path(name, "undisturbed"))
        for what, room in rooms.items():
            for number in range(times):
                size = int(SMALLEST * (LARGEST / SMALLEST) ** chance.random())
                mode = chance.choice(("resume", "cached"))
                history = History(Path(name, f"{what} {number}, {size} bytes"), mode=mode)
                (history.folder / "w").mkdir(parents=True)
                with room(history.workspace, size) as before:
                    _see(history, before, values)
                counts[what] += 1
                counts["failed with one line"] += "error" in history.lives[0].said
                for wrong, detail in history.violations:
                    counts[wrong] += 1
                    print(f"{wrong}: {history.mode}: {detail}", flush=True)
    return counts


def _see(history: History, before: Callable[[], object] | None, values: dict[str, str]) -> None:
    first = history.live(before=before)
    if before is None:
        _remount(history.workspace, 100_000_000)
    error = first.said.get("error", "")
    if not first.said:
        history.violations.append(("wrong ends", "the process died"))
    if error and (not first.said["is_ours"] or "\n" in error or "/w" not in error):
        history.violations.append(("errors that are no clear line", first.said["trace"]))
    done = {name for name, state in first.said.get("states", {}).items() if state == "ok"}
    last = history.live()
    for name in sorted(done.intersection(last.calls) - {"hidden", "table"}):
        history.violations.append(("re-runs of completed stages", name))
    if last.said.get("values") != values:
        history.violations.append(("wrong ends", last.said.get("trace", "other values")))


@contextmanager
def limited(workspace: Path, size: int) -> Iterator[Callable[[], object]]:
    """Let no file of the process that begins grow beyond a size."""
    import resource

    def limit() -> Callable[[], None]:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)

    yield limit


@contextmanager
def mounted(workspace: Path, size: int) -> Iterator[None]:
    """Let the workspace be a disk of a size."""
    _mount(["-t", "tmpfs", "-o", f"size={size}", "tmpfs"], workspace)
    try:
        yield None
    finally:
        subprocess.run(["umount", "-l", str(workspace)], check=True)


def can_mount() -> bool:
    """Say whether disks can be mounted here."""
    if sys.platform != "linux" or os.geteuid():
        return False
    with TemporaryDirectory(prefix="storm-") as name:
        try:
            with mounted(Path(name), 100_000):
                return True
        except (subprocess.CalledProcessError, FileNotFoundError):
            return False


def _remount(workspace: Path, size: int) -> None:
    _mount(["-o", f"remount,size={size}"], workspace)


def _mount(options: list[str], workspace: Path) -> None:
    subprocess.run(["mount", *options, str(workspace)], check=True, capture_output=True)
