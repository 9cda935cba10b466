"""The register example: the commands on its page do what stands there, with fewer rows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.notebooks.transcript import commands_on, said, steady

pl = pytest.importorskip("polars")
pytest.importorskip("pandera")

EXAMPLE = Path(__file__).parents[2] / "notebooks" / "register"
FEWER = 20_000
CHANGING = {  # another one each time, or with each number of rows
    "": re.compile(r"^  (line \d|\.\.\.).*\n", re.MULTILINE),
    "TIME": re.compile(r"\b\d+(\.\d+)? (ms|s|min)\b"),
    "LOG": re.compile(r"\b[0-9a-hjkmnp-tv-z]{26}\b"),
    r"\1 RUN": re.compile(
        r"\b((?<=as )run|^run|: run|report --no-open) [a-z0-9]{5}\b", re.MULTILINE
    ),
    "run=RUN": re.compile(r"run=[a-z0-9]{5}\b"),
    ".working/RUN": re.compile(r"\.working/[a-z0-9]{5}\b"),
    "RUN  completed": re.compile(r"^[a-z0-9]{5} +completed", re.MULTILINE),
    "N": re.compile(r"\d[\d,.]*"),
    " ": re.compile(r" +"),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example, as its page asks for."""
    others = shutil.ignore_patterns("deliveries", "__pycache__", ".*")
    return Path(shutil.copytree(EXAMPLE, tmp_path / "register", ignore=others))


def test_the_story_on_the_page_is_true(folder: Path) -> None:
    """Each command says what stands there, but for numbers, times and ids."""
    runs: list[str] = []
    for command, expected in commands_on(folder / "README.md"):
        given = command
        if "deliveries.py" in command:
            given = f"{command} --rows {FEWER}"
        elif " report " in command:
            given = f"{command.rpartition(' ')[0]} {runs[-1]}"
        code, text = said(folder, given)
        is_bad = "so it did not come in" in expected or "failed after" in expected
        assert code == is_bad, text
        assert steady(text, CHANGING) == steady(expected, CHANGING), command
        runs += re.findall(r"came in as run ([a-z0-9]{5})", text)

    check_weeks([folder / ".working" / run for run in runs])


def check_weeks(runs: list[Path]) -> None:
    """Check what three weeks came to: ids stay, and every correction was put in."""
    weeks = [pl.read_parquet(run / "ingested" / "schools.parquet") for run in runs]
    first, second, third = (week.select("Number", "canonical_id") for week in weeks)
    for before, after in ((first, second), (second, third)):
        both = before.join(after, on="Number")
        assert both.height > 0.97 * before.height
        assert (both["canonical_id"] == both["canonical_id_right"]).all()
    for week, run in list(zip(weeks, runs, strict=True))[1:]:
        given = pl.read_parquet(run / "ingested" / "corrections.parquet")
        found = given.join(week, on="Number", how="left")
        assert given.height
        assert (found["Value"] == found["Capacity"]).all()
    assert {week["Number"].is_duplicated().any() for week in weeks} == {False}


def test_deliveries_are_the_same_bytes_each_time(folder: Path, tmp_path: Path) -> None:
    """So that whoever reads the page finds the same rows."""
    for name in ("one", "other"):
        said(folder, f"python deliveries.py {tmp_path / name} --rows 500")

    one, other = (
        {path.name: path.read_bytes() for path in (tmp_path / name).glob("*/*.csv")}
        for name in ("one", "other")
    )

    assert one == other
    assert len(one) == 5
    assert "Free meals (%)" in one["schools_2026-01-05.csv"].decode("cp1252")
