"""Variables that one stage sets and another reads, which may be in another task."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pypedream.export.exchanged import exchanged

from .conftest import HEAD


@pytest.fixture
def crossing(importable):
    """Return what is said of the variables of a module: reasons and warnings."""
    numbers = iter(range(100))

    def of(text: str, task_of=str) -> tuple[list[str], list[str]]:
        name = f"travel_variables_{next(numbers)}"
        module = importable(f"{name}.py", HEAD + dedent(text))
        reasons, warnings = exchanged(module.flow.blueprint, name, task_of)
        return [*map(str, reasons)], [*map(str, warnings)]

    return of


CROSSING = {
    "by an attribute": ("context.VARIABLES.get().seen = 1", 'sets variable "seen"'),
    "by an item": ("v = context.VARIABLES.get()\n    v['seen'] = 1", 'sets variable "seen"'),
    "by update": ("context.VARIABLES.get().update(seen=1)", 'sets variable "seen"'),
    "by change": ("context.VARIABLES.get().change('seen', int)", 'sets variable "seen"'),
    "by adding": ("context.VARIABLES.get().seen += 1", 'sets variable "seen"'),
    "in a helper": ("helper()", 'sets variable "seen"'),
    "by any name": ("context.VARIABLES.get()[str(1)] = 1", "sets variables"),
}


@pytest.mark.parametrize("code, what", CROSSING.values(), ids=CROSSING)
@pytest.mark.parametrize("reads", ['inputs=[var("seen")]', ""], ids=["by var", "by name"])
def test_a_variable_that_crosses_tasks_is_refused(crossing, code, what, reads):
    """Where one stage sets it and another reads it; the line is that of the setting."""
    reasons, _warnings = crossing(
        f"""
        def helper():
            context.VARIABLES.get().seen = 1
        flow = Pipeline("co2", variables=Variables.define(seen=0))
        @flow.stage
        def count():
            {code.replace(chr(10), chr(10) + "        ")}
        @flow.stage({reads})
        def report(seen, count):
            return seen
        """
    )

    (reason,) = reasons
    assert reason.startswith(f'stage "count" {what}, and stage "report" reads it in another task')
    assert 'return it from "count" and take that as an input' in reason


def test_variables_that_are_only_read_or_stay_in_one_task_are_fine(crossing):
    """A stage may set what it alone reads, and stages of one task what the others read."""
    text = """
        inner = Pipeline("inner", variables=Variables.define(seen=0))
        @inner.stage
        def count():
            context.VARIABLES.get()["part.seen"] = 1
            return 1
        @inner.stage
        def report(seen, count):
            return seen
        flow = Pipeline("co2", variables=Variables.define(rate=2, own=0))
        flow.include(inner, prefix="part")
        @flow.stage
        def reads(rate):
            return rate, context.VARIABLES.get().rate
        @flow.stage
        def sets_its_own():
            v = context.VARIABLES.get()
            v.own = 3
            return v.own
        """

    assert len(crossing(text)[0]) == 1
    assert crossing(text, lambda key: key.partition(".")[0]) == ([], [])


def test_items_that_add_up_in_a_variable_are_refused(crossing):
    """Each of them may be a task of its own."""
    reasons, _warnings = crossing(
        """
        flow = Pipeline("co2", Parameters.define(ns=[1, 2]), variables=Variables.define(seen=0))
        @flow.stage(over={"n": "ns"})
        def each(n):
            context.VARIABLES.get().seen += n
            return n
        """
    )

    (reason,) = reasons
    assert reason.startswith(
        'stage "each" sets and reads variable "seen", and its items are called'
    )


def test_variables_that_are_given_away_are_warned_of(crossing):
    """What becomes of them is not known."""
    reasons, warnings = crossing(
        """
        import json
        flow = Pipeline("co2", variables=Variables.define(seen=0))
        @flow.stage
        def count():
            json.dumps(context.VARIABLES.get())
        """
    )

    assert reasons == []
    assert "gives the variables to something that may set them" in warnings[0]


def test_a_copy_of_a_variable_may_be_changed(crossing):
    """It has the name of the argument, and is another list."""
    reasons, warnings = crossing(
        """
        flow = Pipeline("co2", variables=Variables.define(rows=[]))
        @flow.stage
        def count(rows):
            rows = list(rows)
            rows.append(1)
            return rows
        @flow.stage
        def report(rows):
            return rows
        """
    )

    assert (reasons, warnings) == ([], [])


def test_what_is_in_a_variable_is_not_to_be_changed(crossing):
    """Here another stage sees that, and there it does not."""
    reasons, _ = crossing(
        """
        flow = Pipeline("co2", variables=Variables.define(rows=[]))
        @flow.stage
        def count(rows):
            rows.append(1)
        @flow.stage(after="count")
        def report(rows):
            return rows
        """
    )

    assert reasons[0].startswith('stage "count" sets variable "rows", and stage "report" reads it')


def test_a_name_of_the_users_own_is_not_taken_for_the_variables(crossing):
    """Even if it is VARIABLES."""
    reasons, _warnings = crossing(
        """
        VARIABLES = {}
        flow = Pipeline("co2", variables=Variables.define(seen=0))
        @flow.stage
        def count():
            VARIABLES["seen"] = 1
        @flow.stage
        def report(seen):
            return seen
        """
    )

    assert reasons == []


LOOKING = {
    "itself": ("context.STAGES.get()", ['stage "a" reads context.STAGES itself']),
    "in a helper": ("look()", ['stage "a" reads context.STAGES itself']),
    "by an input": ("load", []),
}


@pytest.mark.parametrize("code, told", LOOKING.values(), ids=LOOKING)
def test_a_stage_that_looks_up_results_itself_is_told(crossing, code, told):
    """Its task has those of its inputs, and a mapper makes what it reads one."""
    reasons, warnings = crossing(
        f"""
        from pypedream import Input, InputBinding
        flow = Pipeline("co2")
        def look():
            return context.STAGES.get()["load"]
        @flow.stage
        def load():
            return 1
        by_mapper = InputBinding.contextual(context.STAGES, lambda stages: stages["load"])
        @flow.stage(inputs=[Input(as_arg="load", bind=by_mapper)])
        def a(load):
            return {code}
        """
    )

    assert reasons == []
    assert [each.partition(",")[0] for each in warnings] == told
