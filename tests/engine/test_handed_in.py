"""Handed in: what a run is handed is what the next one is handed as well."""

from __future__ import annotations

import pytest

from pypedream import Parameters, Pipeline


class Rows:
    """A class of a library, as a frame is one."""

    def __init__(self, *rows):
        self.rows = list(rows)


def doubled(rows):
    rows.rows = [2 * row for row in rows.rows]
    return sum(rows.rows)


def told(run) -> list[str]:
    return [event.event for event in run.events if event.kind == "warning"]


def test_a_parameter_that_a_run_has_changed_is_told():
    """One stage reads it, but each run does."""
    flow = Pipeline("sum", Parameters.define(rows=Rows(1, 2), rate=[1]), progress=False)
    flow.stage(doubled, name="total")
    flow.stage(lambda rate: rate.append(1), name="other")

    run = flow.run()

    assert run["total"] == 6
    assert told(run) == [
        (
            'the parameter "rows" was changed in place by "total", and the next run gets it as it'
            " is now: copy it first"
        )
    ]
    assert told(flow.run(mutation="off")) == []


def test_a_given_value_that_a_run_has_changed_is_told():
    """As when a stage is tried with a frame at hand, again and again."""
    flow = Pipeline("sum", progress=False)
    flow.stage(lambda: Rows(1), name="rows")
    flow.stage(doubled, name="total")

    run = flow.run(given={"rows": Rows(1, 2)})

    assert told(run) == [
        (
            'what is given for "rows" was changed in place by "total", and the next run gets it as'
            " it is now: copy it first"
        )
    ]
    assert told(flow.run()) == []


def test_a_stage_that_failed_has_changed_it_as_well():
    """What it was called with is not what the next run would have called it with."""
    flow = Pipeline("sum", Parameters.define(rows=Rows(1, 2)), progress=False)

    @flow.stage
    def broken(rows):
        rows.rows.append(3)
        raise OSError("away")

    [text] = told(flow.run(on_error="continue"))

    assert text.startswith('the parameter "rows" was changed in place by "broken", and the next')


def test_what_another_stage_was_told_to_get_is_told_once():
    """That it reaches a stage of this run is worse."""
    flow = Pipeline("sum", Parameters.define(rows=Rows(1, 2)), progress=False)
    flow.stage(doubled, name="total")
    flow.stage(lambda rows: len(rows.rows), name="other")

    [text] = told(flow.run())

    assert text.startswith('stage "total" changed its input "rows" (parameter "rows") in place')


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_lists_that_are_given_are_the_callers_own(executor):
    """A run has its own copy of them, as of those that are parameters."""
    flow = Pipeline("sum", progress=False, executor=executor)
    flow.stage(lambda: [1], name="rows")
    flow.stage(lambda rows: rows.append(2) or sum(rows), name="total")
    mine = [1]

    totals = [flow.run(given={"rows": mine})["total"] for _ in range(2)]

    assert totals == [3, 3]
    assert mine == [1]
