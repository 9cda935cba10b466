"""The weekly CO2 record of Mauna Loa, from a raw file with gaps to a summary table and a chart.

Bronze is the record as it came (``load``, ``check``), silver is the record without small gaps and
by month (``fill_gaps``, ``monthly_means``), gold is what can be said about it (``trend``,
``season``, ``summary``, ``chart``). Concentrations are in parts per million (ppm), times are years
with a fraction: the middle of January 1990 is 1990.04.

::

    python -m pypedream run notebooks/mauna_loa/pipeline.py -p last_year=1990
"""

from __future__ import annotations

import csv
import logging
import math
import warnings
from collections import defaultdict
from datetime import date, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from pypedream import Parameter, Parameters, Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HERE = Path(__file__).resolve().parent
MONTHS = "January February March April May June July August September October November December"

log = logging.getLogger("mauna_loa")

flow = Pipeline(
    "mauna_loa",
    Parameters.define(
        first_year=Parameter(int, default=1958, min=1958, max=2001, help="first year to read"),
        last_year=Parameter(int, default=2001, min=1958, max=2001, help="last year to read"),
        max_gap_weeks=Parameter(int, default=8, min=0, help="longer gaps are left empty"),
        data=Parameter(Path, default=HERE / "data" / "co2_weekly.csv", help="the weekly record"),
        out=Parameter(Path, default=HERE / "out", help="folder for the summary and the chart"),
    ),
)


class Week(NamedTuple):
    """The mean of one week; None when nothing usable was measured."""

    saturday: date
    ppm: float | None


class Gap(NamedTuple):
    """Consecutive weeks without a value: *weeks* of them from position *start* on."""

    start: int
    weeks: int


class Month(NamedTuple):
    """The mean of the weeks whose Saturday is in one month."""

    year: int
    month: int
    ppm: float
    weeks: int

    @property
    def time(self) -> float:
        """The middle of the month, in years."""
        return self.year + (self.month - 0.5) / 12


class Trend(NamedTuple):
    """A parabola through the monthly means: ppm, ppm a year, ppm a year squared, at *origin*."""

    origin: float
    coefficients: tuple[float, float, float]

    def at(self, time: float) -> float:
        """Return the concentration at *time*."""
        level, slope, bend = self.coefficients
        return level + (time - self.origin) * (slope + bend * (time - self.origin))

    def growth(self, time: float) -> float:
        """Return the growth at *time*, in ppm a year."""
        _, slope, bend = self.coefficients
        return slope + 2 * bend * (time - self.origin)


class Decade(NamedTuple):
    """One row of the summary."""

    years: str
    months: int
    mean_ppm: float
    lowest_ppm: float
    highest_ppm: float
    growth_ppm_a_year: float


# Bronze: the record as it came.


@flow.stage
def load(data: Path, first_year: int, last_year: int) -> list[Week]:
    """Read the weeks of the wanted years; an empty field is a week without a value."""
    if first_year > last_year:
        raise ValueError(f"first_year={first_year} is after last_year={last_year}")
    with data.open(encoding="utf-8", newline="") as file:
        weeks = [
            Week(date.fromisoformat(row["date"]), float(row["co2"]) if row["co2"] else None)
            for row in csv.DictReader(file)
        ]
    wanted = [week for week in weeks if first_year <= week.saturday.year <= last_year]
    print(f"read {len(weeks)} weeks from {data.name}, kept {len(wanted)} of", end=" ")
    print(f"{first_year} to {last_year}")
    return wanted


@flow.stage
def check(load: list[Week]) -> list[Gap]:
    """Make sure that the record can be what it says, and return its gaps.

    Raises
    ------
    ValueError
        If a week is missing or out of order, or a value cannot be one of this place and time.
    """
    for before, after in pairwise(load):
        if after.saturday - before.saturday != timedelta(weeks=1):
            raise ValueError(f"{after.saturday} does not follow a week after {before.saturday}")
    for week in load:
        if week.ppm is not None and not 300 < week.ppm < 400:
            raise ValueError(f"{week.ppm} ppm on {week.saturday} is out of range")
    gaps = find_gaps(load)
    empty = sum(gap.weeks for gap in gaps)
    longest = max((gap.weeks for gap in gaps), default=0)
    print(f"{len(load)} weeks in order, all values between 300 and 400 ppm")
    print(f"{empty} weeks are empty, in {len(gaps)} gaps; the longest has {longest} weeks")
    return gaps


def find_gaps(weeks: Sequence[Week]) -> list[Gap]:
    """Return where values are missing."""
    gaps, start = [], 0
    for is_empty, group in groupby(weeks, key=lambda week: week.ppm is None):
        length = len(list(group))
        if is_empty:
            gaps.append(Gap(start, length))
        start += length
    return gaps


# Silver: without small gaps, and by month.


@flow.stage
def fill_gaps(load: list[Week], check: list[Gap], max_gap_weeks: int) -> list[Week]:
    """Fill gaps of at most *max_gap_weeks* by a straight line; leave the others empty.

    A line across months would flatten the seasons, so a long gap is better left open.
    """
    weeks = list(load)
    for gap in check:
        end = gap.start + gap.weeks
        if gap.weeks <= max_gap_weeks and gap.start > 0 and end < len(weeks):
            weeks[gap.start : end] = line_across(weeks[gap.start - 1 : end + 1])
        else:
            first, last = weeks[gap.start].saturday, weeks[end - 1].saturday
            warnings.warn(f"{first} to {last} stay empty: {gap.weeks} weeks", stacklevel=1)
    before, after = (sum(week.ppm is None for week in some) for some in (load, weeks))
    print(f"filled {before - after} of {before} empty weeks")
    return weeks


def line_across(weeks: Sequence[Week]) -> list[Week]:
    """Return the inner weeks with values on the line from the first week to the last."""
    (first_day, first_ppm), (last_day, last_ppm) = weeks[0], weeks[-1]
    assert first_ppm is not None
    assert last_ppm is not None
    slope = (last_ppm - first_ppm) / (last_day - first_day).days
    days = [week.saturday for week in weeks[1:-1]]
    return [Week(day, first_ppm + slope * (day - first_day).days) for day in days]


@flow.stage
def monthly_means(fill_gaps: list[Week]) -> list[Month]:
    """Average the weeks of each month; a month without any value is left out."""
    values = defaultdict(list)
    for week in fill_gaps:
        if week.ppm is not None:
            values[week.saturday.year, week.saturday.month].append(week.ppm)
    months = [Month(*key, fmean(ppm), len(ppm)) for key, ppm in sorted(values.items())]
    thin = sum(month.weeks < 4 for month in months)
    print(f"{len(months)} months, {thin} of them with fewer than 4 weeks")
    return months


# Gold: what can be said about it.


@flow.stage
def trend(monthly_means: list[Month]) -> Trend:
    """Fit a parabola to the monthly means by least squares.

    Raises
    ------
    ValueError
        If there are fewer than 60 months: in so short a record the season bends the parabola.
    """
    if len(monthly_means) < 60:
        raise ValueError(f"a trend needs 60 months or more, here are {len(monthly_means)}")
    times = [month.time for month in monthly_means]
    # Powers of a time near 2000 would differ in their last digits only; those around 0 do not.
    origin = fmean(times)
    level, slope, bend = least_squares(
        [time - origin for time in times], [month.ppm for month in monthly_means], degree=2
    )
    result = Trend(origin, (level, slope, bend))
    for time in (times[0], times[-1]):
        print(f"{time:.1f}: {result.at(time):.1f} ppm, growing {result.growth(time):.2f} a year")
    return result


def least_squares(xs: Sequence[float], ys: Sequence[float], *, degree: int) -> list[float]:
    """Return the coefficients, constant first, of the polynomial that fits best."""
    sums = [math.fsum(x**power for x in xs) for power in range(2 * degree + 1)]
    equations = [
        [
            *sums[power : power + degree + 1],
            math.fsum(x**power * y for x, y in zip(xs, ys, strict=True)),
        ]
        for power in range(degree + 1)
    ]
    return solve(equations)


def solve(equations: list[list[float]]) -> list[float]:
    """Solve the normal equations, each a row that ends with its right-hand side.

    Their matrix is symmetric and positive definite, so the pivots are never zero.
    """
    rows = [list(row) for row in equations]
    for place in range(len(rows)):
        pivot = [value / rows[place][place] for value in rows[place]]
        rows = [[a - row[place] * b for a, b in zip(row, pivot, strict=True)] for row in rows]
        rows[place] = pivot
    return [row[-1] for row in rows]


@flow.stage
def season(monthly_means: list[Month], trend: Trend) -> dict[int, float]:
    """Return for each calendar month how far it usually is from the trend, in ppm."""
    residuals = defaultdict(list)
    for month in monthly_means:
        residuals[month.month].append(month.ppm - trend.at(month.time))
    usual = {month: fmean(values) for month, values in sorted(residuals.items())}
    middle = fmean(usual.values())
    cycle = {month: value - middle for month, value in usual.items()}
    names = MONTHS.split()
    high, low = max(cycle, key=cycle.__getitem__), min(cycle, key=cycle.__getitem__)
    print(f"highest in {names[high - 1]}: {cycle[high]:+.2f} ppm")
    print(f"lowest in {names[low - 1]}: {cycle[low]:+.2f} ppm")
    return cycle


@flow.stage
def summary(monthly_means: list[Month], trend: Trend, out: Path) -> list[Decade]:
    """Write and print one row for each decade; return the rows."""
    decades = [
        describe(list(months), trend)
        for _, months in groupby(monthly_means, key=lambda month: month.year // 10)
    ]
    out.mkdir(parents=True, exist_ok=True)
    with (out / "summary.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Decade._fields)
        writer.writerows(
            (row.years, row.months, *(f"{ppm:.3f}" for ppm in row[2:])) for row in decades
        )
    print("years      months    mean  lowest  highest  growth a year")
    for row in decades:
        print(
            f"{row.years}  {row.months:6}  {row.mean_ppm:6.2f}  {row.lowest_ppm:6.2f}  "
            f"{row.highest_ppm:7.2f}  {row.growth_ppm_a_year:13.2f}"
        )
    return decades


def describe(months: Sequence[Month], trend: Trend) -> Decade:
    """Return the row of the summary for some consecutive months."""
    ppm = [month.ppm for month in months]
    middle = (months[0].time + months[-1].time) / 2
    years = f"{months[0].year}-{months[-1].year}"
    return Decade(years, len(months), fmean(ppm), min(ppm), max(ppm), trend.growth(middle))


@flow.stage
def chart(monthly_means: list[Month], trend: Trend, season: dict[int, float], out: Path) -> Path:
    """Draw the record with its trend, and the season beside it; return the path of the SVG."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "chart.svg"
    path.write_text(draw(monthly_means, trend, season), encoding="utf-8", newline="\n")
    log.info("wrote %s", path)
    return path


# The drawing: SVG by hand, because that needs nothing.

STYLE = """
text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #4a5560 }
.title { font-size: 19px; font-weight: 600; fill: #1d262e }
.panel { font-weight: 600; fill: #1d262e }
.end { text-anchor: end } .middle { text-anchor: middle }
.grid { stroke: #e4e8ec } .axis { stroke: #8b97a3 }
.data { fill: none; stroke: #6fa3cf; stroke-width: 1.2; stroke-linejoin: round }
.trend { fill: none; stroke: #c2452d; stroke-width: 2.4; stroke-linecap: round }
.season { fill: #6fa3cf }
""".strip()


class Panel(NamedTuple):
    """A rectangle of the picture, and the values that its edges stand for."""

    left: float
    top: float
    width: float
    height: float
    xs: tuple[float, float]
    ys: tuple[float, float]

    def x(self, value: float) -> float:
        """Return where *value* is from left to right."""
        low, high = self.xs
        return self.left + self.width * (value - low) / (high - low)

    def y(self, value: float) -> float:
        """Return where *value* is from top to bottom."""
        low, high = self.ys
        return self.top + self.height * (high - value) / (high - low)

    def path(self, points: Iterable[tuple[float, float]]) -> str:
        """Return a line through *points* in the words of an SVG path."""
        return "M" + " L".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)


def draw(months: Sequence[Month], trend: Trend, season: dict[int, float]) -> str:
    """Return the whole picture as SVG."""
    first, last = months[0].year, months[-1].year
    title = f"Carbon dioxide at Mauna Loa, {first} to {last}"
    return "\n".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 480" role="img">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            '<rect width="960" height="480" fill="#ffffff"/>',
            f'<text class="title" x="64" y="36">{title}</text>',
            *record_panel(months, trend),
            *season_panel(season),
            "</svg>\n",
        ]
    )


def record_panel(months: Sequence[Month], trend: Trend) -> list[str]:
    """Return the monthly means with the trend through them."""
    ppm = [month.ppm for month in months]
    times = (float(months[0].year), months[-1].year + 1.0)
    panel = Panel(64, 84, 586, 344, times, padded(min(ppm), max(ppm)))
    steps = [times[0] + (times[1] - times[0]) * step / 80 for step in range(81)]
    stretches = [
        panel.path((month.time, month.ppm) for month in stretch) for stretch in unbroken(months)
    ]
    return [
        '<text class="panel" x="64" y="66">Parts per million: monthly means and trend</text>',
        *horizontal_lines(panel, ".0f"),
        *(
            f'<text class="middle" x="{panel.x(year):.1f}" y="448">{year:.0f}</text>'
            for year in ticks(*panel.xs, least_step=1)
        ),
        *(
            f'<path class="axis" d="M{panel.x(year):.1f},428 v5"/>'
            for year in ticks(*panel.xs, least_step=1)
        ),
        '<path class="axis" d="M64,428 h586"/>',
        f'<path class="data" d="{" ".join(stretches)}"/>',
        f'<path class="trend" d="{panel.path((time, trend.at(time)) for time in steps)}"/>',
        '<text class="middle" x="357" y="470">Year</text>',
    ]


def season_panel(season: dict[int, float]) -> list[str]:
    """Return one bar for each calendar month, up or down from the trend."""
    panel = Panel(
        724, 84, 212, 344, (0.5, 12.5), padded(min(season.values()), max(season.values()))
    )
    zero = panel.y(0)
    bars = [
        f'<rect class="season" x="{panel.x(month) - 6:.1f}" y="{min(zero, panel.y(ppm)):.1f}"'
        f' width="12" height="{abs(zero - panel.y(ppm)):.1f}"/>'
        for month, ppm in season.items()
    ]
    names = [
        f'<text class="middle" x="{panel.x(number):.1f}" y="448">{name[0]}</text>'
        for number, name in enumerate(MONTHS.split(), start=1)
    ]
    return [
        '<text class="panel" x="724" y="66">Season: ppm from the trend</text>',
        *horizontal_lines(panel, "+.0f"),
        *bars,
        f'<path class="axis" d="M724,{zero:.1f} h212"/>',
        *names,
        '<text class="middle" x="830" y="470">Month</text>',
    ]


def horizontal_lines(panel: Panel, style: str) -> list[str]:
    """Return a thin line across the panel, with its number, at each round value."""
    lines = []
    for value in ticks(*panel.ys):
        y, text = panel.y(value), format(value, style if value else ".0f")
        lines += [
            f'<path class="grid" d="M{panel.left},{y:.1f} h{panel.width}"/>',
            f'<text class="end" x="{panel.left - 8}" y="{y + 4:.1f}">{text}</text>',
        ]
    return lines


def padded(low: float, high: float) -> tuple[float, float]:
    """Return the range with some air at both ends; never an empty one."""
    air = (high - low) * 0.04 or 1.0
    return low - air, high + air


def ticks(low: float, high: float, *, least_step: float = 0) -> list[float]:
    """Return four to nine round numbers between *low* and *high*."""
    rough = (high - low) / 9
    scale = 10 ** math.floor(math.log10(rough))
    step = max(least_step, next(scale * step for step in (1, 2, 5, 10) if scale * step >= rough))
    return [step * count for count in range(math.ceil(low / step), math.floor(high / step) + 1)]


def unbroken(months: Sequence[Month]) -> list[list[Month]]:
    """Split *months* where one is missing, so that no line is drawn across."""

    def offset(numbered: tuple[int, Month]) -> int:
        """Say how far the month is from its number; it changes where a month is missing."""
        number, month = numbered
        return month.year * 12 + month.month - number

    stretches = groupby(enumerate(months), key=offset)
    return [[month for _, month in stretch] for _, stretch in stretches]


if __name__ == "__main__":
    flow.run()
