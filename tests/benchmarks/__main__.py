"""Measure pypedream beside its peers: ``python -m tests.benchmarks [NAME ...]``.

Everything is a ratio of CPU times that were measured in turns, so that it can be compared between
machines; a machine that does nothing else gives the least noise.
"""

from __future__ import annotations

import json
import platform
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks import (
    chain,
    exports,
    fan_out,
    files,
    identities,
    imports,
    many_runs,
    many_threads,
    maps,
    peers,
    prints,
    reuse,
    steps,
    store,
    table_steps,
    tabular,
    tabular_ingest,
)
from tests.benchmarks.measure import Row

BENCHMARKS = {
    "chain": chain.rows,
    "fan-out": fan_out.rows,
    "prints": prints.rows,
    "imports": imports.rows,
    "identities": identities.rows,
    "threads": many_threads.rows,
    "runs": many_runs.rows,
    "store": store.rows,
    "reuse": reuse.rows,
    "maps": maps.rows,
    "files": files.rows,
    "exports": exports.rows,
    "tabular": tabular.rows,
    "table-steps": table_steps.rows,
    "steps": steps.rows,
    "ingest": tabular_ingest.rows,
}

WIDTH = 58


def main() -> None:
    """Measure what the command line asks for, and print a line as soon as it is known."""
    parser = ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to FILE as well")
    parser.add_argument("--quick", action="store_true", help="see that all works; without peers")
    given = parser.parse_args()
    unknown = set(given.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {min(unknown)!r}; there are: {', '.join(BENCHMARKS)}")
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    for line in peers.left_out():
        print(line)
    print(f"{'':{WIDTH}} {'median':>8} {'least':>8} {'asked':>8}")
    found: dict[str, list[dict[str, Any]]] = {}
    for name in given.names or BENCHMARKS:
        found[name] = []
        for row in BENCHMARKS[name](quick=given.quick):
            found[name].append(row.as_dict())
            print(*lines(row), sep="\n", flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def lines(row: Row) -> list[str]:
    """Return a row as text, with its peers below it."""
    asked = "" if row.asked is None else f"<= {_number(row.asked)}"
    is_missed = row.asked is not None and row.measured and median(row.measured) > row.asked
    missed = "  missed" if is_missed else ""
    first = (
        f"{row.figure:<{WIDTH}} {_middle_and_least(row.measured)} {asked:>8}  {row.unit}{missed}"
    )
    return [first, *(_peer_line(name, ratios) for name, ratios in row.peers.items())]


def _peer_line(name: str, ratios: list[float]) -> str:
    return f"    {name:<{WIDTH - 4}} {_middle_and_least(ratios)}"


def _middle_and_least(ratios: list[float]) -> str:
    if not ratios:
        return f"{'did not end':>17}"
    return f"{_number(median(ratios)):>8} {_number(min(ratios)):>8}"


def _number(value: float) -> str:
    """Return three digits that count."""
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.{max(0, 2 - len(str(int(abs(value)))) + 1)}f}"


if __name__ == "__main__":
    main()
