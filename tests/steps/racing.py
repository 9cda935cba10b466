"""Run by several processes at once: each waits for the others and then runs the same step."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.steps.configured import Slow


def main(backend: str, folder: str, count: int, threads: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    place = Path(folder)
    infra = {"backend": backend, "folder": place / "kept"}
    step = Slow(infra=infra, notes=str(place / "notes"))  # type: ignore[arg-type]
    ready = place / "ready"
    ready.mkdir(exist_ok=True)
    (ready / f"{time.monotonic_ns()}").touch()
    while len(list(ready.iterdir())) < count:
        time.sleep(0.005)
    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(step.run, [1] * threads))
    assert results == [2] * threads


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
