"""Kill runs, let their disk fail, and see that nothing is lost: ``python -m tests.storm``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import Counter

from tests.storm import damage, full, kills, points, stops, workers
from tests.storm.shim import start_with_faults, why_not

NAMES = (
    "kills",
    "writes",
    "points",
    "faults",
    "full",
    "damage",
    "workers",
    "parents",
    "once",
    "twice",
)
VIOLATIONS = (
    "lost completions",
    "re-runs of completed stages",
    "corrupt reads",
    "wrong ends",
    "wrong values",
    "dead runs that seem alive",
    "files left by dead processes",
    "calls made twice by one process",
    "stages failed by the log",
    "faults of the store that were not said",
    "errors without a path",
    "errors that are no clear line",
    "ends that took too long",
    "wrong exit codes",
    "runs that could not be resumed",
    "innocent failures",
    "hangs",
    "calls made twice",
    "processes left",
)


def main() -> None:
    """Do what the command line asks for; end with 1 if anything was wrong."""
    parser = ArgumentParser("python -m tests.storm", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--kills", type=int, default=1000, help="at any time")
    parser.add_argument("--writes", type=int, default=50, help="kills while a blob is written")
    parser.add_argument("--share", type=float, default=1.0, help="of the calls that go wrong")
    parser.add_argument("--damage", type=int, default=200, help="times for each kind of file")
    parser.add_argument("--full", type=int, default=100, help="times with too little room")
    parser.add_argument("--workers", type=int, default=200, help="kills of worker processes")
    parser.add_argument("--parents", type=int, default=100, help="kills of who made them")
    parser.add_argument("--stops", type=int, default=100, help="times of Ctrl-C, once and twice")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"no storm {min(unknown)!r}; there are: {', '.join(NAMES)}")
    names = given.names or NAMES
    if {"points", "faults"} & set(names) and not why_not():
        start_with_faults(sys.argv[1:])
    parts = {
        "kills": lambda: kills.storm(given.kills, given.seed),
        "writes": lambda: kills.storm(given.writes, given.seed, is_aimed=True),
        "points": lambda: points.kill_points(given.share, given.seed),
        "faults": lambda: points.fault_points(given.share, given.seed),
        "full": lambda: full.full(given.full, given.seed),
        "damage": lambda: damage.damage(given.damage, given.seed),
        "once": lambda: stops.storm(given.stops, given.seed, is_twice=False),
        "twice": lambda: stops.storm(given.stops, given.seed, is_twice=True),
        "workers": lambda: workers.kill_workers(given.workers, given.seed),
        "parents": lambda: workers.kill_parents(given.parents, given.seed),
    }
    is_wrong = False
    for name in names:
        if name in ("points", "faults") and why_not():
            print(f"{name}: left out, as {why_not()}")
            continue
        counts = parts[name]()
        is_wrong |= any(counts[what] for what in VIOLATIONS)
        print(*table(name, counts), sep="\n", flush=True)
    sys.exit(int(is_wrong))


def table(name: str, counts: Counter[str]) -> list[str]:
    """Return the counts as lines: what was done, then everything that may not be."""
    done = [what for what in counts if what not in VIOLATIONS]
    return [name, *(f"  {what:<40} {counts[what]:>6}" for what in (*done, *VIOLATIONS))]


if __name__ == "__main__":
    main()
