"""Train a grid of classifiers, as a YAML file says, and print how good each of them is.

::

    python notebooks/training_grid/run.py --backend ProcessPool

What was computed is kept in a folder: the next call prints the same at once, with whatever backend,
and a call that was interrupted or killed goes on where it was.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import training  # type: ignore[import-not-found]  # it lies beside this file
import yaml

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Read the command line and the file, and print a line for each point of the grid."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("file", nargs="?", type=Path, default=HERE / "grid.yaml")
    parser.add_argument("--backend", default="ThreadPool", help="ThreadPool, ProcessPool, Auto ...")
    parser.add_argument("--folder", default=str(HERE / "out"), help="where results are kept")
    given = parser.parse_args()
    grid = training.Grid(**yaml.safe_load(given.file.read_text(encoding="utf-8")))
    best: tuple[float, str] = (0.0, "none")
    for point, accuracy in grid.results(given.folder, given.backend):
        print(f"{accuracy:.3f}  {training.told(point)}", flush=True)
        best = max(best, (accuracy, training.told(point)))
    print("best:", best[1])


if __name__ == "__main__":
    main()
