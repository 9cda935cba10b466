"""Points: a process is killed, or a call fails, at the k-th call of the system, for every k."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from tests.storm.kills import undisturbed
from tests.storm.lives import History, Life
from tests.storm.shim import FAULTS, KILLS, Fault, arming

MODES = ("resume", "cached")
LINE = 400
LOGS = ("journal.jsonl", "logs.jsonl", "results.jsonl")


def kill_points(share: float, seed: int) -> Counter[str]:
    """Kill a process at each call that changes a file, and let another one go on."""
    return _points(KILLS, share, seed)


def fault_points(share: float, seed: int) -> Counter[str]:
    """Let each call fail in each way, and let another process go on without faults."""
    return _points(FAULTS, share, seed)


def _points(faults: tuple[Fault, ...], share: float, seed: int) -> Counter[str]:
    chance, counts = Random(seed), Counter[str]()
    with TemporaryDirectory(prefix="storm-") as name:
        values, _ = undisturbed(Path(name, "undisturbed"))
        for fault in faults:
            k, is_over = 1, False
            while not is_over:
                if chance.random() < share:
                    history = History(Path(name, f"{fault.name} {k}"), mode=chance.choice(MODES))
                    history.folder.mkdir()
                    is_over = not _one_point(history, fault, k, values, counts)
                    shutil.rmtree(history.folder)
                k += 1
            if share == 1:
                counts[f"calls, {fault.name}"] = k - 1
    return counts


def _one_point(
    history: History, fault: Fault, k: int, values: dict[str, str], counts: Counter[str]
) -> bool:
    """Let one call go wrong; say whether there was such a call."""
    said = history.folder / "call.txt"
    report = os.open(said, os.O_WRONLY | os.O_CREAT)
    try:
        first = history.live(before=arming(fault, history.workspace, k, report))
    finally:
        os.close(report)
    call = said.read_text().strip()
    if not call:
        assert first.said.get("values") == values, first
        return False
    counts["disturbed"] += 1
    _look_at(history, first, fault, call)
    done = {name for name, state in first.said.get("states", {}).items() if state == "ok"}
    second = history.live()
    for name in sorted(done & set(second.calls) - {"hidden"}):
        history.violations.append(("re-runs of completed stages", name))
    if second.said.get("values") != values:
        history.violations.append(("wrong ends", second.said.get("trace", "other values")))
    for what, detail in history.violations:
        counts[what] += 1
        print(f"{what}: {fault.name} at call {k} ({call}), {history.mode}: {detail}", flush=True)
    return True


def _look_at(history: History, life: Life, fault: Fault, call: str) -> None:
    """Compare what became of the process with what is promised."""
    said: dict[str, Any] = life.said
    if life.killed:
        return
    error = said.get("error")
    if error is None:
        if fault.way < 2 and _publishes(call):
            history.violations.append(("faults of the store that were not said", call))
        return
    if (
        call.endswith(LOGS)
        and fault.way != 1
        and not error.startswith("StoreError: cannot write the workspace")
    ):
        history.violations.append(("stages failed by the log", said["trace"]))
    if str(history.workspace) not in error:
        history.violations.append(("errors without a path", said["trace"]))
    if not said["is_ours"] or "\n" in error or len(error) > LINE:
        history.violations.append(("errors that are no clear line", said["trace"]))


def _publishes(call: str) -> bool:
    """Say whether a call is a part of writing the content of a result."""
    name, _, path = call.partition(" ")
    is_content = "/store/blobs/" in path or ("/store/staging/" in path and "-value" in path)
    return is_content and name in ("write", "fsync", "rename")
