"""Plots of several runs: what is chosen, what is drawn, and what is said when nothing can be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pypedream import Parameters, Pipeline, Secret, sweep, view
from pypedream.engine.runs import RunRow, Runs
from pypedream.errors import InvalidParameterException, NoResult
from pypedream.view.labels import width_of
from pypedream.view.plot_frame import WIDTH
from pypedream.view.plotted import plotted

SVG = "{http://www.w3.org/2000/svg}"
MOST_LETTERS = 11_300


@pytest.fixture
def flow() -> Pipeline:
    """A pipeline with numbers and words as parameters, that fails at rate 0."""
    parameters = Parameters.define(rate=0.5, depth=1, kind="tree", seed=0)
    flow = Pipeline("model", parameters, progress=False)

    @flow.stage
    def fit(rate: float, depth: int, kind: str, seed: int) -> dict[str, Any]:
        return {"auc": 1 / rate + depth + len(kind) + seed / 10, "kind": kind}

    return flow


def runs_of(values: list[Any], numbers: list[float], **more: list[Any]) -> Runs:
    """Runs of a sweep by hand: one parameter, one result, and others."""
    rows = [
        RunRow(
            f"r{place}",
            open=dict,  # type: ignore[arg-type]
            state="ok",
            duration_s=1.0,
            parameters={"x": value, **{name: each[place] for name, each in more.items()}},
            results={"y": number},
        )
        for place, (value, number) in enumerate(zip(values, numbers, strict=True))
    ]
    return Runs("flow", rows, names=("x", *more), id="sweep")


def texts(picture: ElementTree.Element) -> Iterator[tuple[float, float, str]]:
    """From where to where each text goes at most, and the text."""
    usual = picture.get("font-size", "")
    for text in picture.iter(f"{SVG}text"):
        size = float(text.get("font-size", usual))
        wide, x = width_of(text.text or "") * size, float(text.get("x", ""))
        left = x - wide * {"middle": 0.5, "end": 1.0}.get(text.get("text-anchor", ""), 0.0)
        yield left, left + wide, text.text or ""


def dots(picture: ElementTree.Element) -> list[tuple[float, float]]:
    """Where there are dots: lines without a length."""
    paths = (path.get("d", "") for path in picture.iter(f"{SVG}path") if path.get("stroke-linecap"))
    return [(float(x), float(y)) for d in paths for x, y in re.findall(r"M(\S+) (\S+?)h0", d)]


finite = st.floats(-1e9, 1e9)
words = st.text(max_size=40) | st.none() | st.booleans()
places = st.one_of(
    st.lists(finite | st.integers(-1000, 1000), min_size=1, max_size=30),
    st.lists(words, min_size=1, max_size=30),
)


@given(
    places.flatmap(
        lambda values: st.lists(st.tuples(st.sampled_from(values), finite), min_size=1, max_size=30)
    )
)
@example([(1.0, 0.0), (5.0, 0.0), (2e-311, 0.0)])
@settings(deadline=None)
def test_nothing_is_cut_off_and_every_run_is_drawn(rows: list[tuple[Any, float]]) -> None:
    """Whatever the parameter and the results are."""
    values, numbers = [value for value, _ in rows], [number for _, number in rows]

    text = view.to_plot(runs_of(values, numbers), "y", x="x")

    picture = ElementTree.fromstring(text)
    height = float(picture.get("height", ""))
    assert len(text) <= MOST_LETTERS
    assert all(left >= -0.5 and right <= WIDTH + 0.5 for left, right, _ in texts(picture))
    assert all(0 < float(one.get("y", "")) < height for one in picture.iter(f"{SVG}text"))
    assert all(0 <= x <= WIDTH and 0 <= y <= height for x, y in dots(picture))
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        assert len(dots(picture)) == len(values)


@given(st.lists(st.tuples(finite, words, finite), min_size=1, max_size=20))
@settings(deadline=None)
def test_of_a_map_nothing_is_cut_off_either(rows: list[tuple[float, Any, float]]) -> None:
    """With numbers along one side and words along the other."""
    xs, ys, numbers = ([row[place] for row in rows] for place in range(3))

    picture = ElementTree.fromstring(
        view.to_plot(runs_of(xs, numbers, other=ys), "y", x=("x", "other"))
    )

    height = float(picture.get("height", ""))
    assert all(left >= -0.5 and right <= WIDTH + 0.5 for left, right, _ in texts(picture))
    assert all(0 < float(one.get("y", "")) < height for one in picture.iter(f"{SVG}text"))


def test_a_dot_is_where_its_values_are(flow: Pipeline) -> None:
    """The larger the number, the further right and up it is."""
    plot = flow.map_runs(sweep.grid(rate=[0.5, 0.25, 1])).plot("fit.auc")

    (right, down), (left, up), (far, bottom) = dots(ElementTree.fromstring(plot.svg))[-3:]
    assert left < right < far
    assert up < down < bottom
    # rate 0.25 lies a third of the way from 0.25 to 1 before 0.5
    assert (right - left) / (far - left) == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize(
    "points, x, by",
    [
        (sweep.grid(rate=[0.1, 0.2]), ("rate",), ""),
        (sweep.grid(rate=[0.1, 0.2], depth=[1, 2]), ("rate", "depth"), ""),
        (sweep.grid(rate=[0.1, 0.2], kind=["tree", "forest"]), ("rate",), "kind"),
        (sweep.grid(kind=["tree", "forest"], rate=[0.1, 0.2]), ("rate",), "kind"),
        (sweep.grid(rate=[0.1]), (), ""),
    ],
    ids=["one", "two", "a number and a word", "a word and a number", "none"],
)
def test_what_was_varied_is_what_is_plotted(
    points: Any, x: tuple[str, ...], by: str, flow: Pipeline
) -> None:
    """Two parameters make a map, or lines where one of them has few words."""
    found = plotted(flow.map_runs(points), "fit.auc", None, None)

    assert (found.x, found.by) == (x, by)


def test_runs_that_repeat_are_dots_about_a_line(flow: Pipeline) -> None:
    """A seed has no lines of its own: the line leads through the means."""
    runs = flow.map_runs(sweep.grid(rate=[0.1, 0.2], seed=range(5)))

    plot = runs.plot("fit.auc", x="rate")

    assert len(dots(ElementTree.fromstring(plot.svg))) == 10
    assert "means of runs at the same place" in plot.svg
    assert plotted(runs, "fit.auc", "rate", None).by == ""


def test_runs_without_a_value_do_not_turn_numbers_into_words() -> None:
    """As in a history that began before there was the parameter."""
    plot = runs_of([None, 1, 2.5], [1.0, 2.0, 3.0]).plot("y", x="x")

    assert len(dots(ElementTree.fromstring(plot.svg))) == 2
    assert "not shown: 1 without x" in plot.svg


def test_a_line_for_each_value_of_another_parameter(flow: Pipeline) -> None:
    """It is chosen where it is clear, and can be named."""
    runs = flow.map_runs(sweep.grid(rate=[0.1, 0.2], depth=[1, 2, 3]))

    chosen, named = runs.plot("fit.auc", x="rate"), runs.plot("fit.auc", by="rate")

    assert {"depth", "1", "2", "3"} <= {
        text for _, _, text in texts(ElementTree.fromstring(chosen.svg))
    }
    assert {"rate", "0.1", "0.2"} <= {
        text for _, _, text in texts(ElementTree.fromstring(named.svg))
    }


def test_points_are_not_joined_where_other_things_differ(flow: Pipeline) -> None:
    """A line between runs that have little to do with each other would say what is not so."""
    points = sweep.sample(20, seed=1, rate=(0.1, 1.0), depth=[1, 2, 3], kind=["a", "b"])

    plot = flow.map_runs(points).plot("fit.auc", x="rate")

    assert "L" not in "".join(re.findall(r' d="([^"]*)"', plot.svg))


def test_values_that_are_spread_by_factors_have_a_log_scale() -> None:
    """Each power of ten is as wide as the next."""
    values = [1e-4, 1e-3, 1e-2, 1e-1]

    picture = ElementTree.fromstring(view.to_plot(runs_of(values, [1.0, 2.0, 3.0, 4.0]), "y"))

    places = sorted(x for x, _ in dots(picture))[-4:]
    steps = [after - before for before, after in pairwise(places)]
    assert max(steps) - min(steps) < 0.3
    assert "x, log scale" in {text for _, _, text in texts(picture)}


def test_whole_numbers_have_no_ticks_between_them(flow: Pipeline) -> None:
    """There is no depth of 1.5."""
    plot = flow.map_runs(sweep.grid(depth=[1, 2, 3])).plot("fit.auc")

    found = [text for _, _, text in texts(ElementTree.fromstring(plot.svg))]
    assert {"1", "2", "3"} <= set(found)
    assert "1.5" not in found


def test_ticks_are_at_the_values_that_were_chosen(flow: Pipeline) -> None:
    """If they are few and short; else they are at round numbers."""
    runs = flow.map_runs(sweep.grid(rate=[0.1, 0.35, 0.7]))
    drawn = flow.map_runs(sweep.sample(3, seed=1, rate=(0.1, 0.7)))

    chosen, at_random = (
        {text for _, _, text in texts(ElementTree.fromstring(one.plot("fit.auc").svg))}
        for one in (runs, drawn)
    )

    assert {"0.1", "0.35", "0.7"} <= chosen
    assert {"0.2", "0.3"} <= {text.rstrip("0") for text in at_random}


def test_numbers_of_numpy_are_numbers(flow: Pipeline, parsed: Any) -> None:
    """As parameters: they have an axis, and stand below each other in a table."""
    numpy = pytest.importorskip("numpy")

    runs = flow.map_runs(sweep.grid(depth=list(numpy.arange(1, 4)), rate=numpy.linspace(0.5, 1, 3)))

    assert plotted(runs, "fit.auc", "depth", None).is_numeric
    assert plotted(runs, "fit.auc", None, None).x == ("depth", "rate")
    assert {"0.50", "0.75", "1.00"} <= set(parsed(view.to_html(runs)).texts)


def test_numbers_beyond_all_axes_are_words() -> None:
    """They can be written, and not drawn."""
    text = view.to_plot(runs_of([10**400, 1], [1.0, 2.0]), "y", x="x")

    assert "<rect" in text


def test_words_are_bars_that_begin_at_zero() -> None:
    """Twice as much is twice as long."""
    picture = ElementTree.fromstring(view.to_plot(runs_of(["one", "two"], [10.0, 20.0]), "y"))

    wide = [
        float(one.get("width", "")) for one in picture.iter(f"{SVG}rect") if one.get("rx") == "2"
    ]
    assert wide[1] == pytest.approx(2 * wide[0], abs=0.2)


def test_words_whose_values_are_close_are_dots() -> None:
    """From zero all bars would look the same."""
    picture = ElementTree.fromstring(view.to_plot(runs_of(["one", "two"], [0.80, 0.81]), "y"))

    assert not [one for one in picture.iter(f"{SVG}rect") if one.get("rx") == "2"]
    assert len({x for x, _ in dots(picture)}) == 2


def test_runs_without_the_number_are_counted(flow: Pipeline) -> None:
    """What failed is not drawn, and it is said."""
    plot = flow.map_runs(sweep.grid(rate=[0, 0.5, 1])).plot("fit.auc")

    assert "not shown: 1 failed" in plot.svg
    assert "2 runs" in plot.about


def test_a_history_is_plotted_in_the_order_of_its_runs(flow: Pipeline, tmp_path: Any) -> None:
    """Or by a parameter, without lines."""
    for rate in (0.5, 0.25, 1.0):
        flow.run(rate=rate, workspace=tmp_path)
    history = flow.history(workspace=tmp_path)

    in_order, by_rate = history.plot("fit.auc"), history.plot("fit.auc", x="rate")

    assert in_order.about == "fit.auc by run, 3 runs: lowest 6 at run 2, highest 9 at run 1"
    assert by_rate.about.endswith("lowest 6 at rate 1, highest 9 at rate 0.25")


def test_how_long_runs_took_can_be_plotted(flow: Pipeline) -> None:
    """By the name that the table has for it."""
    assert (
        "duration in s by depth"
        in flow.map_runs([{"depth": 1}, {"depth": 2}]).plot("duration_s").svg
    )


def test_very_many_runs_make_no_large_picture() -> None:
    """As many are drawn as can be told apart; of a map all, without their numbers."""
    many = [n / 7 for n in range(5000)]
    grid = [(x, y) for x in range(20) for y in range(20)]

    points = view.to_plot(runs_of(many, [math.sin(x) for x in many]), "y")
    cells = view.to_plot(
        runs_of([x for x, _ in grid], [x * y / 7 for x, y in grid], other=[y for _, y in grid]), "y"
    )

    assert len(points) < MOST_LETTERS
    assert "500 of 5,000 runs are drawn" in points
    assert len(cells) < MOST_LETTERS


def test_it_shows_itself_in_a_notebook(flow: Pipeline, parsed: Any) -> None:
    """As an image with its words; as text it is these words."""
    plot = flow.map_runs(sweep.grid(rate=[0.5, 1])).plot("fit.auc")

    bundle = plot._repr_mimebundle_()

    assert bundle["text/plain"] == plot.about
    assert parsed(bundle["text/html"]).all("img")[0]["alt"] == plot.about
    assert "script" not in bundle["text/html"]


def test_it_is_saved_whole(flow: Pipeline, tmp_path: Any) -> None:
    """As an SVG file and under no other name."""
    plot = flow.map_runs(sweep.grid(rate=[0.5, 1])).plot("fit.auc")

    path = plot.save(tmp_path / "new" / "auc.svg")

    assert path.read_text(encoding="utf-8") == plot.svg
    with pytest.raises(ValueError, match=r"a picture is written as SVG: name the file auc\.svg"):
        plot.save(tmp_path / "auc.png")


def test_a_secret_is_in_no_plot() -> None:
    """Neither among the words of a parameter nor in what is said of it."""
    flow = Pipeline("secret", Parameters.define(token=Secret("hunter2-a")), progress=False)
    flow.stage(lambda token: len(token.reveal()), name="size")

    runs = flow.map_runs([{"token": Secret("hunter2-a")}, {"token": Secret("hunter2-bc")}])

    assert "hunter2" not in view.to_plot(runs, "size", x="token")


def test_a_secret_within_a_word_is_hidden_and_the_picture_stays_whole() -> None:
    """Also one that looks like a part of the picture."""
    flow = Pipeline("flow", Parameters.define(token=Secret("stroke"), url=""), progress=False)
    flow.stage(lambda url: len(url) + 1, name="size")

    plot = flow.map_runs([{"url": "a://stroke@b"}, {"url": "c"}]).plot("size")

    written = [text for _, _, text in texts(ElementTree.fromstring(plot.svg))]
    assert {"a://***@b", "c"} <= set(written)
    assert "stroke" not in plot.about


@pytest.mark.parametrize(
    "given, error, text",
    [
        ({"result": "fit.acu"}, NoResult, 'did you mean "fit.auc"'),
        ({"result": "fit"}, NoResult, 'name a part of it, as in "fit.auc"'),
        ({"result": "fit.kind"}, NoResult, 'no run has a number for "fit.kind"'),
        (
            {"result": "fit.auc", "x": "rtae"},
            InvalidParameterException,
            'no parameter "rtae"; did you mean "rate"',
        ),
        (
            {"result": "fit.auc", "by": "dept"},
            InvalidParameterException,
            'no parameter "dept"; did you mean "depth"',
        ),
        (
            {"result": "fit.auc", "x": ("rate", "depth", "kind")},
            InvalidParameterException,
            "not by 3",
        ),
        (
            {"result": "fit.auc"},
            InvalidParameterException,
            r'3 parameters differ \(rate, depth, kind\): say by which to plot, x="rate"',
        ),
        ({"result": "fit.auc", "x": ("rate", 3)}, TypeError, "named by a text, not by 3"),
        (
            {"result": "fit.auc", "x": ("rate", "depth"), "by": "kind"},
            InvalidParameterException,
            'a map by rate and depth has no lines: leave out by="kind"',
        ),
    ],
    ids=[
        "result",
        "part",
        "word",
        "parameter",
        "line",
        "too many",
        "unclear",
        "no name",
        "lines of a map",
    ],
)
def test_what_cannot_be_plotted_is_said(
    given: dict[str, Any], error: type[Exception], text: str, flow: Pipeline
) -> None:
    """With the nearest right name, or what to write."""
    runs = flow.map_runs(sweep.grid(rate=[0.5, 1], depth=[1, 2], kind=["tree", "forest"]))

    with pytest.raises(error, match=text) as caught:
        runs.plot(**given)
    assert len(caught.traceback) <= 2 or error is TypeError  # where it was found is of no use


def test_a_map_of_too_many_values_is_refused() -> None:
    """It could not be read."""
    many = list(range(30))

    with pytest.raises(
        InvalidParameterException, match='"x" has 30 values, and a map takes up to 20'
    ):
        view.to_plot(runs_of(many, [1.0] * 30, other=many), "y", x=("x", "other"))


def test_without_runs_there_is_nothing_to_plot(flow: Pipeline, tmp_path: Any) -> None:
    """An empty history says so."""
    with pytest.raises(NoResult, match=r'there are no runs, and no "fit'):
        flow.history(workspace=tmp_path).plot("fit.auc")
