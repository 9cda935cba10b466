from __future__ import annotations

from io import StringIO

import pytest

from pypedream import Pipeline, context
from pypedream.cli.dashboard import Dashboard

rich = pytest.importorskip("rich.console")


def shown_of(pipeline, stages, **console):
    """Carry a pipeline out, and return what the panels show then."""
    stream = StringIO()
    terminal = rich.Console(file=stream, force_terminal=True, width=80, height=30, **console)
    board = Dashboard("sums", stages, terminal)
    pipeline.run(sinks=[board], progress=False, on_error="continue")
    plain = rich.Console(file=StringIO(), width=80, height=30)
    plain.print(board.panels())
    return plain.file.getvalue(), stream.getvalue()


def test_a_dashboard_has_the_steps_the_log_and_the_status():
    """As they are when the run is over; the terminal has got them, too."""
    pipeline = Pipeline("sums")

    @pipeline.stage
    def load():
        print("reading \x1b[2J 3 rows")
        context.progress(1, 2)
        return 3

    @pipeline.stage
    def broken(load):
        raise ValueError("no luck")

    shown, drawn = shown_of(pipeline, ["load", "broken"])

    assert "✓ load" in shown
    assert "✗ broken failed" in shown
    assert "load: reading" in shown
    assert "\x1b" not in shown
    assert "sums  2 of 2  failed" in shown
    assert "steps" in drawn
    assert "status" in drawn


def test_a_stage_that_runs_shows_how_far_it_is():
    """With a bar, if it says of how much."""
    seen = []
    pipeline = Pipeline("sums")
    board = Dashboard("sums", ["load"], rich.Console(file=StringIO(), width=80))

    @pipeline.stage
    def load():
        context.progress(1, 2)

    def look(event):
        board._take("load", event) if event.stage else None
        seen.append(dict(board._said))

    pipeline.run(sinks=[look], progress=False)

    assert {"load": "█" * 10 + "░" * 10} in seen


def test_a_terminal_gets_the_dashboard(typed, flow):
    """And the last lines of the run after it."""
    code, shown = typed("run", "--mode", "dashboard", "--no-workspace", answers=[])

    assert code == 0
    assert "─ status ─" in shown
    assert shown.rstrip().endswith("2 stages")


def test_where_there_is_no_terminal_it_is_lines(shell, flow):
    """As in a file or a pipe."""
    code, stdout, _ = shell("run", "--mode", "dashboard", "--no-workspace")

    assert code == 0
    assert "load  | loading 1" in stdout
    assert "status" not in stdout
