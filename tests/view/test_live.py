from __future__ import annotations

import re

import pytest

from pypedream import Parameters, Pipeline, context
from pypedream.view import RunState, live_frame, run_state
from pypedream.view.description import Description, Edge, Node
from pypedream.view.live import MOST_BYTES
from pypedream.view.page import Line


def test_a_frame_of_a_run_that_goes_on(parsed):
    """It says what runs and what waits, and the last three lines; there is nothing to fold."""
    flow = Pipeline("flow")
    frames = []

    @flow.stage
    def load():
        for number in range(5):
            print("line", number)
        frames.append(live_frame(flow.last_run))

    flow.stage("report")(lambda load: None)
    flow.run()

    document = parsed(frames[0])
    assert "flow ▸ running 0/2 stages" in document.text
    said = str(document.all("img")[0]["alt"])
    assert re.fullmatch(r"2 stages\. load: running, <?\d+ ms; report: pending", said)
    assert document.text.endswith("line 2\nline 3\nline 4\n")
    assert not document.tags & {"details", "input"}


@pytest.mark.parametrize("count", [1, 60, 61, 3000])
def test_a_frame_is_small(count):
    """However many stages there are, and however they are wired."""
    nodes = tuple(
        Node(f"stage_{number}_" + "x" * 60, f"stage_{number}_" + "x" * 60, state="running")
        for number in range(count)
    )
    edges = tuple(Edge(nodes[number // 3].key, nodes[number].key) for number in range(1, count))
    description = Description("flow", "run", "flow", nodes, edges)

    frame = live_frame(RunState(description, "running"))

    assert len(frame.encode()) <= MOST_BYTES


def test_long_lines_are_cut(parsed):
    """A frame is small whatever is printed."""
    flow = Pipeline("flow")
    flow.stage("talk")(lambda: print("x" * 100_000))

    assert len(live_frame(flow.run())) <= MOST_BYTES


def test_a_stage_shows_how_far_it_is():
    """By its own words, or by how many of its items are done."""
    flow = Pipeline("flow", Parameters.define(number=[1, 2, 3]))
    states = []

    @flow.stage(over="number")
    def half(number):
        states.append(run_state(flow.last_run))
        return number / 2

    @flow.stage
    def total(half):
        context.progress(1, 4)
        states.append(run_state(flow.last_run))

    flow.run(progress=False)

    shares = [{node.key: node.share for node in state.description.stages} for state in states]
    assert 0 == shares[0]["half"] <= shares[1]["half"] <= shares[2]["half"] < 1
    assert shares[2]["half"] > 0  # what is done is counted a few items at a time
    assert shares[3] == {"half": None, "total": 0.25}


@pytest.mark.parametrize("count", [0, 1, 5])
def test_there_is_a_place_for_the_last_lines_before_there_are_any(parsed, count):
    """Three lines or fewer are in one place, of a height that is set: nothing jumps."""
    lines = tuple(Line(f"line {number}", "warning") for number in range(count))

    document = parsed(
        live_frame(RunState(Description("flow", "run", "flow", ()), "running", lines=lines))
    )

    assert len(document.all("pre", "z")) == 1
    assert re.search(r"\.z\{[^}]*height:4\.5em", document.styles[0])
    assert len(document.all("span", "w")) == min(count, 3)


def test_a_state_can_be_made_from_the_events_at_hand():
    """Who has the last events need not look for them in the run."""
    flow = Pipeline("flow")
    flow.stage("talk")(lambda: context.progress(1, 2) or print("said"))
    run = flow.run()

    state = run_state(run, run.events[-3:])

    assert [line.text for line in state.lines] == ["said"]
    assert state.state == "ok"
