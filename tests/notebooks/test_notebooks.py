"""Each notebook does what it says, in a kernel of its own, and leaves the folder as it was."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kernels.kernel import Kernel

pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.rglob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
NEEDS = {"07-side-by-side": "cloudpickle", "register": "pandera"}
WRITES = {"mauna_loa": ["out"]}

# What is true in the kernel after the last cell.
PROMISES = {
    "01-first-pipeline": [
        "round(run['t_statistic'], 3) == 4.062",
        "flow.last_run['differences'] == run['differences']",
        "round(flow.last_run['t_statistic'], 2) == 5.66",
    ],
    "02-parameters-and-plans": [
        "[round(mean) for mean in means] == [299_909, 299_920, 299_929, 299_942]",
        "run['estimate'] == 299_940",
        "flow.last_run['estimate'] == 299_003",
        "form.code == 'flow.run(trim=0.2)'",
    ],
    "03-when-something-fails": [
        "type(failure.error).__name__ == 'ValueError'",
        "[run.stages[key].state for key in run.stages][-2:] == ['ok', 'failed']",
        "round(run['mean'], 2) == 0.74",
    ],
    "04-what-it-said": [
        "[one.event for one in run.events if '***' in one.event] == ['asking with the key ***']",
        "not [one for one in run.events if 'abcd' in repr(one)]",
        "len(loud) == 2",
        "fitted.data['values'] == 3",
    ],
    "05-results-kept": [
        "{stage.state for stage in again.stages.values()} == {'reused'}",
        "wide[0] >= run['interval'][0] and wide[1] <= run['interval'][1]",
    ],
    "06-many-items": [
        "slopes['IV'][7] is None",
        "[key for key, found in slopes.items() if None in found] == ['IV']",
        "run['line']['I'] == (3.0, 0.5, 0.82)",
    ],
    "07-side-by-side": [
        "run['both'] == one_by_one['both']",
        "one_by_one['dextro'] != one_by_one['laevo']",
    ],
    "08-sweeps-and-history": [
        "[row['trim'] for row in runs.table()] == [0.0, 0.1, 0.2, 0.3, 0.4]",
        "states == ['reused', 'ok'] * 5",
        "len(history) == 15",
    ],
    "09-compare-and-report": [
        "diff.first.stage == 'kept'",
        "tuesday.diff(wednesday).first.stage == 'middle'",
        "'<script' not in text and '://' not in text",
    ],
    "10-from-notebook-to-module": [
        "written.proof.equal == ['means', 'standard_error']",
        "flow.last_run['standard_error'] == 0.376",
    ],
    "mauna_loa": [
        "round(run['trend'].at(2001.5), 1) == 371.7",
        "round(early['trend'].at(2001.5), 1) == 379.7",
        "len(runs.ok) == 4",
    ],
    "register": [
        "history.height == 3",
        "history['changed'][0] == history['gone'][0] == 0",
        "history['new'][1] > 30",
        "report.ledgers[0].lines[-1].rows_out == schools.height",
    ],
}


def cells_of(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def source_of(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def may_fail(cell: dict[str, Any]) -> bool:
    return "raises-exception" in cell["metadata"].get("tags", ())


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A clean folder with the notebook and the files beside it."""
    path: Path = request.getfixturevalue("path")
    if path.parent == FOLDER:
        shutil.copy(path, tmp_path)
        return tmp_path
    ignore = shutil.ignore_patterns("out", "__pycache__", ".*")
    return Path(shutil.copytree(path.parent, tmp_path / "example", ignore=ignore))


@pytest.fixture
def kernel(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel that works in that folder."""
    kernel = Kernel(folder=folder, settings=tmp_path_factory.mktemp("ipython"))
    yield kernel
    kernel.stop()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_runs_from_top_to_bottom(path: Path, folder: Path, kernel: Kernel):
    """Only those cells fail that say so, what is promised is true, and nothing is left."""
    if path.stem in NEEDS:
        pytest.importorskip(NEEDS[path.stem])
    before = sorted(one.name for one in folder.iterdir())

    for cell in cells_of(path):
        error = kernel.run(source_of(cell)).error
        assert bool(error) == may_fail(cell), error or source_of(cell)

    for promise in PROMISES[path.stem]:
        assert kernel.value(f"bool({promise})"), promise
    after = sorted(one.name for one in folder.iterdir() if one.name != "__pycache__")
    assert after == sorted(before + WRITES.get(path.stem, []))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_is_kept_with_small_outputs(path: Path):
    """They were all run in order, and tell nothing of the machine."""
    text = path.read_text(encoding="utf-8")
    counts = [cell["execution_count"] for cell in cells_of(path)]

    assert counts == list(range(1, len(counts) + 1))
    assert len(text) < 60_000
    assert re.findall(r"/(?:home|root|tmp|Users|work)/", text) == []
    for cell in cells_of(path):
        kinds = {output["output_type"] for output in cell["outputs"]}
        assert ("error" in kinds) == may_fail(cell)


def test_all_notebooks_are_listed():
    """The page beside them has a link to each, and each has promises."""
    page = (FOLDER / "README.md").read_text(encoding="utf-8")

    paths = [path.relative_to(FOLDER).as_posix() for path in NOTEBOOKS]
    assert re.findall(r"\]\((\S+\.ipynb)\)", page) == paths
    assert sorted(PROMISES) == sorted(NAMES)
