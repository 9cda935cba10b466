"""A run: its results, its stages, what it keeps."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from pypedream import Parameters, Pipeline, SequentialOutputMapper, Variables, context, dependency
from pypedream.errors import NoResult


@pytest.fixture
def flow() -> Pipeline:
    flow = Pipeline("sums", Parameters.define(start=1), progress=False)

    @flow.stage
    def first(start):
        return start

    @flow.stage
    def second(first):
        return first + 1

    @flow.stage
    def third(second, first):
        return second + first

    return flow


def test_a_run_is_a_mapping_from_stage_to_return_value(flow):
    """A run has a result for each stage, in order, and equals a dict of them."""
    run = flow.run(start=10)

    assert run == {"first": 10, "second": 11, "third": 21}
    assert list(run) == ["first", "second", "third"]
    assert len(run) == 3
    assert run["third"] == 21
    assert run.state == "ok"


def test_a_stage_run_says_how_the_stage_went(flow):
    """State, attempts and duration of each stage can be read from the run."""
    stages = flow.run().stages

    assert {stage.state for stage in stages.values()} == {"ok"}
    assert [stage.attempts for stage in stages.values()] == [1, 1, 1]
    assert all(stage.duration_s > 0 for stage in stages.values())


def test_a_run_changes_nothing_in_the_pipeline(flow):
    """The parameters of the pipeline are what they were after a run with others."""
    before = dict(flow.parameters)

    flow.run(start=5)

    assert dict(flow.parameters) == before
    assert flow.run() == {"first": 1, "second": 2, "third": 3}


def test_a_list_parameter_is_fresh_for_each_run():
    """A stage that appends to a parameter does not change the next run."""
    flow = Pipeline("lists", Parameters.define(rows=[]), progress=False)

    @flow.stage
    def grow(rows):
        rows.append(1)
        return list(rows)

    assert flow.run()["grow"] == [1]
    assert flow.run()["grow"] == [1]


def test_named_outputs_are_read_and_shown():
    """An output mapper names outputs that other stages bind to and the run shows."""
    flow = Pipeline("split", progress=False)
    flow.stage(
        lambda: ([1, 2], [3]), name="split", output_mapper=SequentialOutputMapper(["train", "test"])
    )
    flow.stage(sum, name="total", inputs=[dependency("split", "iterable", "train")])

    run = flow.run()

    assert run.outputs["split"]["train"] == [1, 2]
    assert run.outputs["split"]["return"] == ([1, 2], [3])
    assert run["total"] == 3


def test_keep_ends_releases_a_value_when_its_last_reader_has_run():
    """With keep="ends" memory does not grow with the chain."""

    class Big:
        pass

    alive: list[int] = []
    made: list[weakref.ref] = []
    flow = Pipeline("chain", keep="ends", progress=False)

    def stage_of(number):
        def make(before=None):
            big = Big()
            made.append(weakref.ref(big))
            alive.append(sum(one() is not None for one in made))
            return big

        return make

    flow.stage(stage_of(0), name="s0")
    for number in range(1, 8):
        flow.stage(
            stage_of(number), name=f"s{number}", inputs=[dependency(f"s{number - 1}", "before")]
        )

    run = flow.run()

    assert list(run) == ["s7"]
    assert max(alive) <= 2
    with pytest.raises(NoResult, match='result of stage "s0" was not kept'):
        run["s0"]


def test_keep_names_keeps_exactly_these(flow):
    """A list of names keeps these results and releases all others."""
    assert dict(flow.run(keep=["second"])) == {"second": 2}


def test_a_finished_run_does_not_keep_results_alive_in_a_cycle():
    """The values of a run go when the run goes, without waiting for the garbage collector."""

    class Big:
        pass

    flow = Pipeline("big", progress=False)
    flow.stage(Big, name="big")
    run = flow.run()
    reference = weakref.ref(run["big"])
    flow.last_run = None

    gc.disable()
    try:
        del run
        assert reference() is None
    finally:
        gc.enable()


def test_a_name_that_is_no_stage_gets_the_nearest_one(flow):
    """Asking a run for an unknown stage names the nearest."""
    run = flow.run()

    with pytest.raises(NoResult, match='no stage "frist"; did you mean "first"'):
        run["frist"]


def test_a_stage_that_came_after_the_run_is_not_among_those_that_it_has(flow):
    """As in a notebook, where the cell of the run was not run again."""
    run = flow.run()
    flow.stage(lambda: 1, name="chart")

    with pytest.raises(NoResult, match='no stage "chart": there are first, '):
        run["chart"]


def test_a_stage_that_was_not_selected_is_skipped(flow):
    """What a run leaves out is not "pending" when it is over, and the reason is the selection."""
    run = flow.run(until="second")

    assert (run.stages["third"].state, run.stages["third"].reason) == (
        "skipped",
        "not selected (until=second)",
    )
    with pytest.raises(NoResult, match="it is skipped: not selected"):
        run["third"]


def test_what_a_stage_returned_is_shown_in_a_few_words():
    """Stages and outputs of a run say the shape of a long value, not all of it."""
    flow = Pipeline("long", progress=False)
    flow.stage(lambda: list(range(10_000)), name="load")

    run = flow.run()

    assert repr(run.outputs) == "{'load': {'return': [0, 1, 2, 3, 4, 5, 6, 7, ... 9992 more]}}"
    assert "9992 more" in repr(run.stages["load"])
    assert len(repr(run.stages)) < 300


def test_variables_belong_to_the_run():
    """What stages change is seen by later stages and gone in the next run."""
    flow = Pipeline("count", variables=Variables.define(rows=0), progress=False)

    @flow.stage
    def load():
        context.VARIABLES.get().change("rows", lambda rows: rows + 5)

    @flow.stage(after="load")
    def report(rows):
        return rows

    assert flow.run()["report"] == 5
    run = flow.run()
    assert run["report"] == 5
    assert run.variables["rows"] == 5
    assert flow.variables["rows"] == 0


def test_nested_runs_do_not_meet():
    """A stage may run another pipeline, or its own; each has its own context."""
    inner = Pipeline("inner", Parameters.define(n=1), progress=False)

    @inner.stage
    def double(n):
        return 2 * n

    outer = Pipeline("outer", Parameters.define(n=10), progress=False)

    @outer.stage
    def before(n):
        return n

    @outer.stage
    def nested(before):
        result = inner.run(n=before + 1)["double"]
        return result, context.PARAMETERS.get()["n"], context.STAGE.get().stage

    assert outer.run()["nested"] == (22, 10, "nested")
    assert context.RUN.get() is None


def test_one_pipeline_runs_in_several_threads(flow):
    """Concurrent runs of one pipeline have each their own parameters and results."""
    results: dict[int, object] = {}

    def work(number: int) -> None:
        for _ in range(20):
            results[number] = dict(flow.run(start=number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == {n: {"first": n, "second": n + 1, "third": 2 * n + 1} for n in range(4)}


def test_a_generator_stage_gives_a_list():
    """What a generator yields is collected while it still runs in its stage."""
    flow = Pipeline("yields", progress=False)

    @flow.stage
    def numbers():
        yield 1
        yield 2

    assert flow.run()["numbers"] == [1, 2]


def test_a_skipped_stage_skips_what_needs_it_and_leaves_defaults():
    """A condition that does not hold skips a stage; readers with a default still run."""
    flow = Pipeline("maybe", Parameters.define(wanted=False), progress=False)

    @flow.stage(when="wanted")
    def extra():
        return 5

    @flow.stage
    def needs(extra):
        return extra

    @flow.stage
    def lenient(extra=0):
        return extra

    run = flow.run()

    assert run == {"lenient": 0}
    assert run.stages["extra"].state == "skipped"
    assert run.stages["needs"].reason == 'needs "extra", which is skipped'
    assert flow.run(wanted=True) == {"extra": 5, "needs": 5, "lenient": 5}


def test_a_condition_decided_by_a_stage_is_seen_at_run_time():
    """A function of another stage's result may skip a stage while the run goes on."""
    flow = Pipeline("maybe", Parameters.define(rows=3), progress=False)

    @flow.stage
    def load(rows):
        return list(range(rows))

    @flow.stage(when=lambda load: len(load) > 2)
    def plot(load):
        return "plotted"

    assert flow.run()["plot"] == "plotted"
    assert flow.run(rows=1).stages["plot"].state == "skipped"


def test_given_takes_the_place_of_a_stage(flow):
    """A given value is used as if the stage had returned it, and its stage is not called."""
    run = flow.run(given={"second": 100})

    assert run == {"first": 1, "second": 100, "third": 101}
    assert run.stages["second"].state == "reused"
