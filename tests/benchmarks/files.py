"""Files: what it costs to bring files up to date, or to find that they are, beside peers.

Each stage reads a small JSON file and writes one, in a chain. It is the command that is measured,
in a fresh process, as users give it: interpreter, imports, definition of the stages, and all that
has to be looked at, with the CPU time of the processes that it starts. DVC starts one a stage, as
its stages are commands.

What is written stays until all is measured: for minutes after files were deleted, some file systems
(ext4 without a journal) take ten times as long to make others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import partial
from statistics import median
from tempfile import TemporaryDirectory, mkdtemp
from time import sleep
from typing import TYPE_CHECKING

from tests.benchmarks.file_peers import DOIT, DVC, HOME, OURS, PIVOT, Peer
from tests.benchmarks.imports import BARE
from tests.benchmarks.measure import Row, is_installed, of_peer, paired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FEW, MANY, MOST = 176, 1_000, 2_000
"""The smallest one is what a paper that compares such tools has."""

AT_REST_S = 2.1
"""A file that was written less than two seconds before it was hashed is hashed again."""

UNIT = "x a bare interpreter"
ASKED = {"doit": (1.0, None), "DVC": (0.05, 0.02), "Pivot": (None, 0.1)}
"""What the next run, and the first, may cost at most beside each of them."""


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure the next time, when nothing has to be called, and the first time."""
    with TemporaryDirectory() as home:
        yield from _rows(home, is_quick=quick)


def _rows(home: str, *, is_quick: bool) -> Iterator[Row]:
    again, first = partial(_again, home), partial(_first, home)
    count, samples = (10, 2) if is_quick else (FEW, 9)
    peers = {} if is_quick else peers_here()
    yield from _beside(
        f"{count:,} stages with files, nothing to do",
        again(OURS, count, samples),
        {name: of_peer(_again, home, peer, count, peer.samples) for name, peer in peers.items()},
        0,
    )
    if not is_quick:
        names = [name for name in ("doit",) if name in peers]
        doit = {name: of_peer(_again, home, peers[name], MANY, 3) for name in names}
        figure = f"{MANY:,} stages with files, nothing to do"
        yield Row(figure, UNIT, again(OURS, MANY, samples), None, doit)
    yield from _beside(
        f"{count:,} stages with files, for the first time",
        first(OURS, count, max(2, samples // 3)),
        {name: of_peer(_first, home, peer, count, peer.samples) for name, peer in peers.items()},
        1,
    )
    if is_quick:
        return
    for what, cost in {"nothing to do": again, "for the first time": first}.items():
        figure = f"a stage of {MOST:,} beside one of {MANY:,}, {what}"
        yield Row(figure, "x", _grown(cost, 5 if cost is again else 3), 1.2)


def peers_here() -> dict[str, Peer]:
    """Return the peers that are there: doit beside us, the others where their names say.

    ``DVC=/venv/bin/dvc`` and ``PIVOT=/venv/bin/pivot`` name their commands, or they are in the
    path. They have environments of their own, as what they need does not go together.
    """
    found = {"doit": DOIT} if is_installed("doit") else {}
    for name, peer in {"DVC": DVC, "Pivot": PIVOT}.items():
        command = os.environ.get(name.upper()) or shutil.which(name.lower())
        if command:
            found[name] = peer.at(command)
    return found


def _beside(
    figure: str, ours: list[float], theirs: dict[str, list[float]], which: int
) -> Iterator[Row]:
    """Yield what was measured, and a row for each peer beside which something is asked."""
    yield Row(figure, UNIT, ours, None, theirs)
    for name, ratios in theirs.items():
        asked = ASKED[name][which]
        if asked is not None:
            yield Row(f"{figure}, beside {name}", f"x {name}", _ratios(ours, ratios), asked)


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [one / median(theirs) for one in ours] if theirs else []


def _grown(cost: Callable[[Peer, int, int], list[float]], samples: int) -> list[float]:
    """Return what a stage costs among the most, beside one among many; to start is left out."""
    start = median(cost(OURS, 1, samples))
    one_of_many = (median(cost(OURS, MANY, samples)) - start) / MANY
    return [(whole - start) / MOST / one_of_many for whole in cost(OURS, MOST, samples)]


def _again(home: str, peer: Peer, count: int, samples: int) -> list[float]:
    folder, bytecode = mkdtemp(dir=home), mkdtemp(dir=home)
    peer.write(folder, count)
    for _ in range(2):  # the first time, and once to look at the files that were just written
        ended(peer.command, folder, bytecode)
        sleep(AT_REST_S)
    return paired(lambda: ended(peer.command, folder, bytecode), lambda: _bare(bytecode), samples)


def _first(home: str, peer: Peer, count: int, samples: int) -> list[float]:
    bytecode = mkdtemp(dir=home)

    def first() -> float:
        place = mkdtemp(dir=home)
        peer.write(place, count)
        return ended(peer.command, place, bytecode)

    return paired(first, lambda: _bare(bytecode), samples)


def _bare(bytecode: str) -> float:
    return ended([sys.executable, "-c", BARE], ".", bytecode)


def ended(command: list[str], folder: str, bytecode: str) -> float:
    """Return the CPU seconds of a command and of all processes that it waited for.

    Parameters
    ----------
    bytecode
        Folder for what is compiled. It is written whatever the environment says: an installed
        package is compiled once, and not by each interpreter.
    """
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
    if command[0] == sys.executable:
        kept["PYTHONPATH"] = HOME
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, **kept}, stdout=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime
