"""The training grid: its numbers, wherever they are computed, and that it goes on after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "notebooks" / "training_grid"
GRID = """
data: [{type: Load}, {type: Standardise}]
values:
  n_estimators: [5, 20]
  max_depth: [3, 6]
"""

sklearn = pytest.importorskip("sklearn")
pytest.importorskip("submitit")


@pytest.fixture(scope="module")
def expected() -> list[str]:
    """What the grid prints, computed by hand with scikit-learn only."""
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    x, y = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
    scaler = StandardScaler().fit(x)
    lines = []
    for trees, depth in product((5, 20), (3, 6)):
        forest = RandomForestClassifier(n_estimators=trees, max_depth=depth, random_state=0)
        score = forest.fit(scaler.transform(x), y).score(scaler.transform(x_test), y_test)
        lines.append(f"{score:.3f}  n_estimators={trees}, max_depth={depth}")
    return [*lines, f"best: {max(lines).partition('  ')[2]}"]


def started(folder: Path, backend: str, *file: Path) -> subprocess.Popen[str]:
    """The command, at work in a group of its own."""
    command = [sys.executable, str(EXAMPLE / "run.py"), *map(str, file)]
    command += ["--backend", backend, "--folder", str(folder / "kept")]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": ""},  # it would part lines that threads print
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def lines_of(folder: Path, backend: str, *file: Path) -> tuple[list[str], list[str]]:
    """The results that the command prints, and what steps say."""
    process = started(folder, backend, *file)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    lines = output.splitlines()
    said = [line for line in lines if line.startswith(("loaded", "trained"))]
    return [line for line in lines if line not in said], said


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small grid."""
    path = tmp_path / "small.yaml"
    path.write_text(GRID)
    return path


@pytest.mark.parametrize(
    "backend",
    ["ThreadPool", "ProcessPool", pytest.param("LocalProcess", marks=pytest.mark.cluster)],
)
def test_every_backend_gives_the_results_of_scikit_learn(
    tmp_path: Path, file: Path, backend: str, expected: list[str]
) -> None:
    """To the digits that are printed; each model is trained once."""
    results, said = lines_of(tmp_path, backend, file)

    assert results == expected
    if backend != "LocalProcess":  # there it is in the logs of the jobs
        assert len(said) == 5
        assert said[0].startswith("loaded 1797 pictures, 450 of them")


def test_all_backends_have_one_cache(tmp_path: Path, file: Path) -> None:
    """What one has computed the others find; of a larger grid they compute what is new."""
    results, _ = lines_of(tmp_path, "ThreadPool", file)

    for backend in ("ProcessPool", "LocalProcess"):
        assert lines_of(tmp_path, backend, file) == (results, [])
    file.write_text(GRID.replace("[3, 6]", "[3, 6, 9]"))
    _, said = lines_of(tmp_path, "ProcessPool", file)
    assert sorted(said) == [f"trained n_estimators={n}, max_depth=9" for n in (20, 5)]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    "backend", [pytest.param("ThreadPool", marks=pytest.mark.cluster), "ProcessPool"]
)
def test_a_killed_grid_goes_on_where_it_was(tmp_path: Path, backend: str) -> None:
    """With another backend, too; it prints what it would have printed."""
    process = started(tmp_path, backend)
    assert process.stdout is not None
    while not process.stdout.readline().startswith("0."):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    results, said = lines_of(tmp_path, "ThreadPool")

    assert len(results) == 10
    assert 0 < len(said) < 9
