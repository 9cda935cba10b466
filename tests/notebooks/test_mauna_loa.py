"""The Mauna Loa example: its numbers, its files, and that it runs from the command line."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

import pypedream

if TYPE_CHECKING:
    from types import ModuleType

EXAMPLE = Path(__file__).parents[2] / "notebooks" / "mauna_loa"
RECORD = EXAMPLE / "data" / "co2_weekly.csv"

# The longest gap stays open and the example says so; that is not a fault here.
pytestmark = pytest.mark.filterwarnings("ignore:.* stay empty")


@pytest.fixture(scope="module")
def example() -> ModuleType:
    """The pipeline file as a module, loaded from where it lies."""
    spec = importlib.util.spec_from_file_location("mauna_loa_pipeline", EXAMPLE / "pipeline.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_hand(example: ModuleType, last_year: int, out: Path) -> dict[str, Any]:
    """Call the stages one after the other, as the ordinary functions that they are."""
    load = example.load(RECORD, 1958, last_year)
    check = example.check(load)
    fill_gaps = example.fill_gaps(load, check, 8)
    monthly_means = example.monthly_means(fill_gaps)
    trend = example.trend(monthly_means)
    season = example.season(monthly_means, trend)
    return {
        "load": load,
        "check": check,
        "fill_gaps": fill_gaps,
        "monthly_means": monthly_means,
        "trend": trend,
        "season": season,
        "summary": example.summary(monthly_means, trend, out),
        "chart": example.chart(monthly_means, trend, season, out),
    }


@pytest.fixture(scope="module", params=[1990, 2001], ids=str)
def results(
    request: pytest.FixtureRequest,
    example: ModuleType,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    return by_hand(example, request.param, tmp_path_factory.mktemp("out"))


def test_record_is_the_published_one(results: dict[str, Any]) -> None:
    """The first values and the length are those of the series that statsmodels ships."""
    weeks = results["load"]

    assert weeks[0] == (date(1958, 3, 29), 316.1)
    assert weeks[1] == (date(1958, 4, 5), 317.3)
    assert weeks[-1].saturday.year in {1990, 2001}


def test_numbers_agree_with_numpy(results: dict[str, Any]) -> None:
    """Gaps, months, trend and season are what numpy makes of the raw file, its own way."""
    np = pytest.importorskip("numpy")
    days, ppm = np.genfromtxt(RECORD, delimiter=",", skip_header=1, unpack=True)
    dates = np.array([f"{day:.0f}" for day in days])
    dates = np.array([f"{text[:4]}-{text[4:6]}-{text[6:]}" for text in dates], "datetime64[D]")
    years = dates.astype("datetime64[Y]").astype(int) + 1970
    wanted = years <= results["load"][-1].saturday.year
    dates, ppm = dates[wanted], ppm[wanted]

    known = np.flatnonzero(~np.isnan(ppm))
    filled = np.interp(np.arange(len(ppm)), known, ppm[known])
    right = known[np.searchsorted(known, np.arange(len(ppm)))]
    left = known[np.searchsorted(known, np.arange(len(ppm)), side="right") - 1]
    filled[right - left - 1 > 8] = np.nan

    has_value = ~np.isnan(filled)
    number = dates.astype("datetime64[M]").astype(int)[has_value]
    numbers = np.unique(number)
    first = numbers[0]
    sums, counts = (
        np.bincount(number - first, weights)[numbers - first]
        for weights in (filled[has_value], None)
    )
    means = sums / counts
    times = 1970 + (numbers + 0.5) / 12
    parabola = np.polynomial.Polynomial.fit(times, means, 2)
    residuals = means - parabola(times)
    season = np.array([residuals[numbers % 12 == month].mean() for month in range(12)])

    months, trend = results["monthly_means"], results["trend"]
    assert [month.ppm for month in months] == pytest.approx(means.tolist(), abs=1e-9)
    assert [month.weeks for month in months] == counts.tolist()
    assert [trend.at(time) for time in times] == pytest.approx(parabola(times).tolist(), abs=1e-7)
    assert trend.growth(times[-1]) == pytest.approx(parabola.deriv()(times[-1]), abs=1e-8)
    assert list(results["season"].values()) == pytest.approx(
        (season - season.mean()).tolist(), abs=1e-7
    )


def test_small_gaps_are_straight_lines(results: dict[str, Any]) -> None:
    """A filled week is the mean of its neighbours; a measured one is as it was."""
    before, after = results["load"], results["fill_gaps"]

    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        if old.ppm is not None or new.ppm is None:
            assert new == old
        else:
            around = (after[place - 1].ppm + after[place + 1].ppm) / 2
            assert new.ppm == pytest.approx(around, abs=1e-9)


def test_only_the_long_gap_stays_open(results: dict[str, Any]) -> None:
    """The 18 weeks of 1964 are not bridged, everything shorter is."""
    empty = [week.saturday for week in results["fill_gaps"] if week.ppm is None]

    assert empty == [date(1964, 1, 25) + timedelta(weeks=week) for week in range(18)]


def test_monthly_means_are_sums_by_hand(results: dict[str, Any]) -> None:
    """Each month is the plain average of its weeks, and no month with a value is missing."""
    weeks = [week for week in results["fill_gaps"] if week.ppm is not None]

    months = results["monthly_means"]
    for month in months:
        ppm = [
            week.ppm
            for week in weeks
            if (week.saturday.year, week.saturday.month) == (month.year, month.month)
        ]
        assert month.ppm == pytest.approx(sum(ppm) / len(ppm), abs=1e-9)
    assert sum(month.weeks for month in months) == len(weeks)


@pytest.mark.parametrize("coefficient", [0, 1, 2], ids=["level", "slope", "bend"])
@pytest.mark.parametrize("change", [-1e-4, 1e-4], ids=["less", "more"])
def test_trend_is_the_best_parabola(
    results: dict[str, Any], coefficient: int, change: float
) -> None:
    """Any small change of a coefficient makes the sum of squares larger."""
    trend, months = results["trend"], results["monthly_means"]
    changed = list(trend.coefficients)
    changed[coefficient] += change
    other = trend._replace(coefficients=tuple(changed))

    best, worse = (
        sum((month.ppm - line.at(month.time)) ** 2 for month in months) for line in (trend, other)
    )

    assert best < worse


def test_season_is_that_of_the_northern_hemisphere(results: dict[str, Any]) -> None:
    """The air has most carbon dioxide in May and least in October; the cycle sums to zero."""
    season = results["season"]

    assert max(season, key=season.__getitem__) == 5
    assert min(season, key=season.__getitem__) == 10
    assert sum(season.values()) == pytest.approx(0, abs=1e-9)


def test_summary_on_disk_is_the_returned_one(results: dict[str, Any]) -> None:
    """summary.csv has one row for each decade, with the numbers that the stage returns."""
    path = results["chart"].with_name("summary.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert [row["years"] for row in rows] == [row.years for row in results["summary"]]
    for row, decade in zip(rows, results["summary"], strict=True):
        assert {name: float(value) for name, value in row.items() if name != "years"} == {
            name: pytest.approx(value, abs=5e-4)
            for name, value in decade._asdict().items()
            if name != "years"
        }


def test_annual_mean_is_the_known_one(results: dict[str, Any]) -> None:
    """The mean of 1990 is within half a ppm of the 354.45 that NOAA publishes."""
    ppm = [month.ppm for month in results["monthly_means"] if month.year == 1990]

    assert sum(ppm) / 12 == pytest.approx(354.45, abs=0.5)


def test_chart_is_well_formed(results: dict[str, Any]) -> None:
    """The chart is XML, has a title, and breaks its line where months are missing."""
    root = ElementTree.parse(results["chart"]).getroot()

    svg = "{http://www.w3.org/2000/svg}"
    (data,) = (path for path in root.iter(f"{svg}path") if path.get("class") == "data")
    assert root.tag == f"{svg}svg"
    assert (root.findtext(f"{svg}title") or "").startswith("Carbon dioxide at Mauna Loa, 1958 to")
    assert data.get("d", "").count("M") == 2


@pytest.mark.parametrize(
    "weeks",
    [
        pytest.param([(date(1990, 1, 6), 354.0), (date(1990, 1, 20), 354.0)], id="week-missing"),
        pytest.param([(date(1990, 1, 13), 354.0), (date(1990, 1, 6), 354.0)], id="out-of-order"),
        pytest.param([(date(1990, 1, 6), 3540.0)], id="out-of-range"),
    ],
)
def test_check_refuses_what_cannot_be(example: ModuleType, weeks: list[tuple[date, float]]) -> None:
    """A record with a wrong week or an impossible value stops the run."""
    record = [example.Week(*week) for week in weeks]

    with pytest.raises(ValueError, match=r"does not follow|out of range"):
        example.check(record)


def test_gaps_at_the_ends_stay_open(example: ModuleType) -> None:
    """A gap without a value on both sides has no line to lie on."""
    days = [date(1990, 1, 6) + timedelta(weeks=week) for week in range(4)]
    weeks = [example.Week(*week) for week in zip(days, [None, 354.0, 354.2, None], strict=True)]

    with pytest.warns(UserWarning, match="stay empty: 1 weeks"):
        filled = example.fill_gaps(weeks, example.check(weeks), 8)

    assert filled == weeks


def test_years_in_the_wrong_order_are_refused(example: ModuleType) -> None:
    """A record that ends before it begins is a mistake, not an empty record."""
    with pytest.raises(ValueError, match="first_year=1990 is after last_year=1980"):
        example.load(RECORD, 1990, 1980)


def test_too_short_a_record_has_no_trend(example: ModuleType) -> None:
    """Two years are mostly season; the stage says how many months it needs."""
    months = [example.Month(1990, month, 354.0, 4) for month in range(1, 13)]

    with pytest.raises(ValueError, match="needs 60 months or more, here are 12"):
        example.trend(months)


@pytest.mark.parametrize("last_year", [1990, 2001], ids=str)
def test_run_returns_what_the_functions_return(
    example: ModuleType, tmp_path: Path, last_year: int
) -> None:
    """The run calls the same functions with the same arguments as one would by hand."""
    run = example.flow.run(last_year=last_year, out=tmp_path)

    assert dict(run) == by_hand(example, last_year, tmp_path)


def test_an_earlier_end_changes_the_numbers(example: ModuleType, tmp_path: Path) -> None:
    """last_year=1990 leaves out eleven years, and growth was slower before them."""
    until_1990 = example.flow.run(last_year=1990, out=tmp_path)
    until_2001 = example.flow.run(out=tmp_path)

    assert len(until_2001["load"]) - len(until_1990["load"]) == 574
    assert until_1990["summary"] != until_2001["summary"]


def test_command_line_in_a_difficult_folder(tmp_path: Path) -> None:
    """One command runs the example in a folder with a blank and an umlaut, from another folder."""
    folder = tmp_path / "CO2 für alle" / "mauna loa"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("out", ".pypedream"))
    package = str(Path(pypedream.__file__).parents[1])
    python_path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])

    done = subprocess.run(
        [sys.executable, "-m", "pypedream", "run", folder / "pipeline.py", "-p", "last_year=1990"],
        capture_output=True,
        cwd=tmp_path,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": python_path, "PYTHONUTF8": "1"},
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "read 2284 weeks from co2_weekly.csv, kept 1710 of 1958 to 1990" in done.stdout
    assert "highest in May" in done.stdout
    assert "UserWarning: 1964-01-25 to 1964-05-23 stay empty: 18 weeks" in done.stderr
    assert (folder / "out" / "summary.csv").read_text(encoding="utf-8").startswith("years,months,")
    ElementTree.parse(folder / "out" / "chart.svg")
    logs = list((folder / ".pypedream").rglob("*.jsonl"))
    events = [
        json.loads(line) for path in logs for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert {event["kind"] for event in events} >= {"run.start", "stage.end", "print", "run.end"}
