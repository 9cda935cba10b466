"""Iterators that are given: each can be read once, and nobody gets silently what is left of one."""

from __future__ import annotations

import pytest

from pypedream import Parameters, Pipeline
from pypedream.errors import MapError, MutationError

READ = '"numbers" is an iterator that was read already: give a list, or a new one'


def tens() -> Pipeline:
    """A stage that is mapped over numbers, which have no default."""
    flow = Pipeline("tens", Parameters.define("numbers"), progress=False)
    flow.stage(lambda n: n * 10, name="tens", over={"n": "numbers"})
    return flow


def total(numbers):
    return sum(numbers)


def warnings_of(flow: Pipeline) -> list[str]:
    assert flow.last_run is not None
    return [event.event for event in flow.last_run.events if event.kind == "warning"]


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_second_run_over_an_iterator_is_refused(executor):
    """It would have no items, or what the first run left."""
    flow, numbers = tens(), iter([1, 2, 3])

    assert flow.run(numbers=numbers, executor=executor)["tens"] == [10, 20, 30]
    with pytest.raises(MapError, match=READ):
        flow.run(numbers=numbers, executor=executor)
    assert flow.run(numbers=iter([4]), executor=executor)["tens"] == [40]


def test_a_default_that_is_an_iterator_is_refused_after_other_runs():
    """The one that read it need not be the last."""
    flow = Pipeline("tens", Parameters.define(numbers=iter([1, 2])), progress=False)
    flow.stage(lambda n: n * 10, name="tens", over={"n": "numbers"})

    assert flow.run()["tens"] == [10, 20]
    assert flow.run(numbers=[3])["tens"] == [30]
    assert flow.run(numbers=iter([4]))["tens"] == [40]
    with pytest.raises(MapError, match=READ):
        flow.run()


def test_an_iterator_that_no_stage_read_is_read_later():
    """That a run was given it is not enough."""
    flow, numbers = tens(), iter([1])
    flow.stage(lambda: 2, name="other")

    flow.run(numbers=numbers, only="other")

    assert flow.run(numbers=numbers)["tens"] == [10]


def test_every_point_of_a_sweep_needs_items_of_its_own():
    """The second one is not silently empty."""
    flow = Pipeline("sweep", Parameters.define(numbers=iter([1, 2]), rate=1), progress=False)
    flow.stage(lambda n, rate: n * rate, name="scaled", over={"n": "numbers"})

    runs = flow.map_runs([{"rate": 1}, {"rate": 2}])

    assert [run.state for run in runs] == ["ok", "failed"]


def test_a_stage_that_gets_what_is_left_is_warned_of():
    """It may know what it does, as when it takes the next few of very many."""
    flow = Pipeline("sum", Parameters.define("numbers"), progress=False)
    flow.stage(total)
    numbers = iter([1, 2, 3])

    assert flow.run(numbers=numbers)["total"] == 6
    assert warnings_of(flow) == []
    assert flow.run(numbers=numbers)["total"] == 0
    [said] = warnings_of(flow)
    assert said.startswith('stage "total": the parameter "numbers" is an iterator that was read')


def test_two_stages_of_one_run_do_not_share_an_iterator_in_silence():
    """The first one gets it all."""
    flow = Pipeline("twice", Parameters.define("numbers"), progress=False)
    flow.stage(total, name="first")
    flow.stage(total, name="second")

    run = flow.run(numbers=iter([1, 2]))

    assert (run["first"], run["second"]) == (3, 0)
    [said] = warnings_of(flow)
    assert said.startswith('stage "second"')


def test_a_file_that_was_rewound_is_read_again(tmp_path):
    """It is an iterator that can be read more than once."""
    path = tmp_path / "lines.txt"
    path.write_text("a\nb\n")
    flow = Pipeline("lines", Parameters.define("lines"), progress=False)
    flow.stage(str.strip, name="stripped", over={"self": "lines"})

    with path.open() as lines:
        assert flow.run(lines=lines)["stripped"] == ["a", "b"]
        with pytest.raises(MapError, match='"lines" is an iterator that was read already'):
            flow.run(lines=lines)
        lines.seek(0)
        assert flow.run(lines=lines)["stripped"] == ["a", "b"]


def lazily() -> Pipeline:
    """A stage that returns a generator."""
    flow = Pipeline("lazy", progress=False)
    flow.stage(lambda: (n for n in (1, 2, 3)), name="numbers")
    return flow


@pytest.mark.parametrize("executor", ["serial", "threads"])
@pytest.mark.parametrize("is_mapped", [False, True])
def test_a_second_stage_gets_no_used_up_result_in_silence(executor, is_mapped):
    """What a stage gave is an iterator, too, and a sum over nothing is 0 without an error."""
    flow = lazily()
    if is_mapped:
        flow.stage(lambda n: n, name="first", over={"n": "numbers"})
    else:
        flow.stage(total, name="first")
    flow.stage(total, name="second", after="first")

    run = flow.run(executor=executor)

    assert run["second"] == 0
    [told] = warnings_of(flow)
    assert told == (
        'stage "second": what stage "numbers" gave is an iterator that was read already, and gives'
        " what is left, if anything: return a list"
    )


def test_one_stage_may_read_a_generator():
    """There is nothing to be told then, and nothing if nobody looks."""
    flow = lazily()
    flow.stage(total)

    assert flow.run()["total"] == 6
    assert warnings_of(flow) == []
    flow.stage(total, name="second")
    assert flow.run(mutation="off")["second"] == 0
    assert warnings_of(flow) == []


def test_a_used_up_result_is_refused_where_no_input_may_change():
    """To read an iterator is to change it."""
    flow = lazily()
    flow.stage(total, name="first")
    flow.stage(total, name="second")

    with pytest.raises(MutationError, match='what stage "numbers" gave is an iterator'):
        flow.run(mutation="error")


def test_a_failed_stage_that_read_a_generator_is_resumed_with_a_new_one():
    """The stage that gives it is called again, and so are both that read it."""
    flow, broken = lazily(), [True]

    def first(numbers):
        found = sum(numbers)
        assert not broken
        return found

    flow.stage(first)
    flow.stage(lambda: 4, name="other")
    flow.stage(lambda numbers, first: len(list(numbers)) + first, name="second")
    with pytest.raises(AssertionError):
        flow.run()

    broken.clear()

    assert flow.resume()["first"] == 6
