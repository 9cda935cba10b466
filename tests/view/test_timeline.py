"""The timeline of a run: spans from events, bars in lanes, and the picture."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream import Parameters, Pipeline, view
from pypedream.engine.history import recorded_run
from pypedream.view.labels import width_of
from pypedream.view.spans import Span, spans_in
from pypedream.view.timeline import WIDTH, timeline_svg, workers_in_words
from pypedream.view.worker_lanes import lanes_of

SVG = "{http://www.w3.org/2000/svg}"
MOST_LETTERS = 11_300
"""As an image within HTML that is about 15 kB."""
Shape = tuple[float, float, float, float]


def meeting(**options: Any) -> Any:
    """A run in which two stages wait for each other."""
    flow = Pipeline("meeting", Parameters.define(xs=[1, 2, 3]), **options)
    both = threading.Barrier(2, timeout=60)
    flow.stage(both.wait, name="left")
    flow.stage(both.wait, name="right")
    flow.stage(lambda x, left: x, name="each", over={"x": "xs"})
    return flow.run(executor="threads", workers=2, progress=False)


def bars(picture: ElementTree.Element) -> Iterator[Shape]:
    """Where each bar is with its outline: x, y, width, height."""
    for path in picture.iter(f"{SVG}path"):
        edge = 2.0 if path.get("class") == "r" else 0.0
        for part in re.findall(r"M(\S+) (\S+)h(\S+?)v(\S+?)h", path.get("d", "")):
            x, y, wide, high = map(float, part)
            yield x - edge, y - edge, wide + 2 * edge, high + 2 * edge


def texts(picture: ElementTree.Element) -> Iterator[tuple[float, float, str]]:
    """From where to where each text goes at most, and the text."""
    usual = picture.get("font-size", "")
    for text in picture.iter(f"{SVG}text"):
        size = float(text.get("font-size", usual))
        wide, x = width_of(text.text or "") * size, float(text.get("x", ""))
        left = x - wide * {"middle": 0.5, "end": 1.0}.get(text.get("text-anchor", ""), 0.0)
        yield left, left + wide, text.text or ""


seconds = st.floats(0, 100).map(lambda value: round(value, 3))
spans = st.builds(
    lambda worker, stage, begin, took, state, items: Span(
        worker, stage, begin, begin + took, state, items
    ),
    st.sampled_from(["", "thread 1", "thread 2", "process 4711 on a-node-with-a-long-name"]),
    st.text(min_size=1, max_size=30) | st.sampled_from("abc"),
    seconds,
    seconds | st.just(0.0),
    st.sampled_from(["ok", "ok", "ok", "failed", "running", "killed"]),
    st.integers(0, 3000),
)


@given(st.lists(spans, max_size=60))
@settings(deadline=None)
def test_no_bar_covers_another_and_nothing_is_cut_off(some: list[Span]) -> None:
    """Whatever there is to draw, and whatever it is called."""
    end_s = max((span.end_s for span in some), default=0.0)

    picture = ElementTree.fromstring(timeline_svg(some, end_s, "flow"))

    height = float(picture.get("height", ""))
    rows: dict[float, list[Shape]] = {}
    for bar in bars(picture):
        rows.setdefault(bar[1], []).append(bar)
        assert bar[0] >= 0
        assert bar[0] + bar[2] <= WIDTH
        assert bar[1] + bar[3] <= height
    for row in rows.values():
        assert all(one[0] + one[2] <= two[0] + 0.15 for one, two in pairwise(sorted(row)))
    assert all(left >= -0.5 and right <= WIDTH + 0.5 for left, right, _ in texts(picture))
    assert all(0 < float(text.get("y", "")) < height for text in picture.iter(f"{SVG}text"))


@pytest.mark.parametrize("workers", [2, 40])
def test_the_picture_of_very_many_is_small(workers: int) -> None:
    """Ten thousand items by turns of two stages."""
    many = [
        Span(f"thread {n % workers}", f"stage {n // workers % 2}", n / 10, (n + workers) / 10)
        for n in range(10_000)
    ]

    text = timeline_svg(many, 1000.0, "many")

    assert len(text) <= MOST_LETTERS
    assert "several stages" in text


def test_stages_by_turns_are_told_apart_as_long_as_there_is_room() -> None:
    """Else they are drawn as what they are: several."""
    turns = [Span("thread 1", f"stage {n % 2}", n, n + 1) for n in range(150)]

    few = list(bars(ElementTree.fromstring(timeline_svg(turns[:100], 100.0, "few"))))
    many = list(bars(ElementTree.fromstring(timeline_svg(turns * 10, 1500.0, "many"))))

    assert len(few) >= 100
    assert len(many) < 100


def test_many_stages_that_can_be_told_apart_make_no_large_picture_either() -> None:
    """As many are drawn as there is room for, the others as several."""
    many = [
        Span(f"thread {n % 12}", f"stage_{n}", n // 12, n // 12 + n % 7 / 7) for n in range(300)
    ]

    assert len(timeline_svg(many, 26.0, "many")) <= MOST_LETTERS


def test_a_failure_is_drawn_among_very_many() -> None:
    """However short it was, it has a bar of its own."""
    many = [Span("thread 1", "a", n / 10, (n + 1) / 10) for n in range(10_000)]
    many[5000] = Span("thread 1", "a", 500.0, 500.0, "failed")

    picture = timeline_svg(many, 1000.0, "many")

    assert "#ca392e" in picture


def test_each_worker_has_a_lane() -> None:
    """With its name, and as many bars as it was at something."""
    run = meeting()

    picture = ElementTree.fromstring(view.to_timeline(run))

    named = [text for _, _, text in texts(picture)]
    assert {"thread 1", "thread 2"} <= set(named)
    assert "2 workers" in picture.findtext(f"{SVG}desc", "")
    assert len({bar[1] for bar in bars(picture)}) == 2


def test_a_record_has_the_same_timeline(tmp_path: Any) -> None:
    """Times in a record are rounded to microseconds, and all else is equal."""
    run = meeting(workspace=tmp_path)

    recorded = view.to_timeline(recorded_run(tmp_path))

    assert recorded == view.to_timeline(run)


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_the_page_of_a_run_has_it_where_there_were_several(executor: str, parsed: Any) -> None:
    """Of one worker the list of the stages says as much."""
    flow = Pipeline("one")
    flow.stage(lambda: 1, name="one")
    run = meeting() if executor == "threads" else flow.run()

    page = parsed(view.to_html(run))

    assert len(page.all("img", "q")) == (executor == "threads")
    assert ("by thread 1" in page.texts) == (executor == "threads")


def test_retries_and_failures_are_spans_of_their_own() -> None:
    """The attempt that failed, and the one after it."""
    flow, calls = Pipeline("again"), []

    @flow.stage(retries=1, retry_delay_s=0)
    def flaky() -> int:
        calls.append(1)
        return 1 // (len(calls) - 1)

    found = spans_in(flow.run(progress=False).events)

    assert [(span.stage, span.state) for span in found] == [("flaky", "failed"), ("flaky", "ok")]
    assert found[0].end_s <= found[1].begin_s + 1e-6


def test_what_still_runs_goes_on_until_now() -> None:
    """As a run sees itself from within."""
    flow, seen = Pipeline("within"), []
    flow.stage(lambda: seen.extend(spans_in(flow.last_run.events)), name="look")

    flow.run(progress=False)

    assert [(span.stage, span.state) for span in seen] == [("look", "running")]


def test_what_is_reused_took_no_time() -> None:
    """It is on no worker."""
    flow = Pipeline("reused")
    flow.stage(lambda: 1, name="one")

    run = flow.run(given={"one": 2}, progress=False)

    assert spans_in(run.events) == []
    assert view.to_timeline(run).startswith("<svg")


def test_items_of_a_stage_stand_for_it() -> None:
    """They are not drawn over by the stage as a whole."""
    flow = Pipeline("items", Parameters.define(xs=[*range(500)]))
    flow.stage(lambda x: x, name="each", over={"x": "xs"})

    found = spans_in(flow.run(progress=False).events)

    assert sum(span.items for span in found) == 500
    assert all(one.end_s <= two.begin_s + 1e-6 for one, two in pairwise(found))


def test_an_event_loop_needs_several_rows() -> None:
    """It awaits several items at the same time."""
    lanes = lanes_of([Span("", "fetch", 0, 2), Span("", "fetch", 0, 3), Span("", "fetch", 2, 4)])

    assert [len(lane.rows) for lane in lanes] == [2]
    assert lanes[0].busy_s == 4


def test_what_overlaps_a_little_is_put_right() -> None:
    """A reply is taken in late, and the next call has begun by then."""
    (lane,) = lanes_of([Span("process 1", "a", 0, 1.01), Span("process 1", "b", 1, 2)])

    assert [(span.stage, span.begin_s) for span in lane.rows[0]] == [("a", 0), ("b", 1.01)]


def test_it_can_be_read_out() -> None:
    """What each worker was at, and for how long."""
    said = workers_in_words([Span("", "load", 0, 1), Span("thread 1", "fit", 1, 3)])

    assert said == "2 workers. the run: load, busy for 1.00 s. thread 1: fit, busy for 2.00 s"


def test_a_name_is_only_text() -> None:
    """Tags in it stay what they are: letters."""
    picture = ElementTree.fromstring(timeline_svg([Span("<b>", "<i>&", 0, 1)], 1.0, "<u>"))

    assert {"<b>", "<i>&"} <= {text for _, _, text in texts(picture)}


def test_it_shows_itself_in_a_notebook(parsed: Any, tmp_path: Any) -> None:
    """Of a run, and of its record; and it can be saved."""
    run = meeting(workspace=tmp_path)

    picture = run.timeline()

    bundle = picture._repr_mimebundle_()
    assert bundle["text/plain"].startswith("2 workers. thread 1: ")
    assert parsed(bundle["text/html"]).all("img", "q")[0]["alt"] == bundle["text/plain"]
    assert picture.save(tmp_path / "run.svg").read_text(encoding="utf-8") == picture.svg


def test_only_runs_have_a_timeline() -> None:
    """Else it is said what is wrong."""
    with pytest.raises(TypeError, match="a run has a timeline, and Pipeline is none"):
        view.to_timeline(Pipeline("flow"))  # type: ignore[arg-type]
