"""Item keeping: in a workspace an item is called once, whatever becomes of the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from pypedream import Parameters, Pipeline, Stage, patterns
from pypedream.errors import MapError, PlanError

BROKEN: set[object] = set()
CALLS: list[object] = []


@pytest.fixture(autouse=True)
def _forget():
    BROKEN.clear()
    CALLS.clear()


def slow(n, k=1):
    time.sleep(0.002)  # what takes less is not worth keeping
    sys.modules[__name__].CALLS.append(n)
    if n in sys.modules[__name__].BROKEN:
        raise ValueError(f"broken {n}")
    return n * k


def flow_of(workspace: object, numbers: object, **policy: object) -> Pipeline:
    flow = Pipeline("flow", Parameters.define(numbers=numbers), workspace=workspace)
    flow.stage(Stage(slow, **{"over": {"n": "numbers"}, **policy}))
    return flow


def test_a_run_with_nothing_to_do_calls_nothing(tmp_path):
    """The stage as a whole is taken over."""
    flow_of(tmp_path, [1, 2, 3]).run(cache="cached", progress=False)
    CALLS.clear()

    run = flow_of(tmp_path, [1, 2, 3]).run(cache="cached", progress=False)

    assert (run["slow"], run.stages["slow"].state, CALLS) == ([1, 2, 3], "reused", [])


@pytest.mark.parametrize(
    "numbers, expected, calls",
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], [4]),
        ([3, 1], [3, 1], []),
        ({"a": 2, "b": 5, "c": 2}, {"a": 2, "b": 5, "c": 2}, [5]),
    ],
    ids=["one-more", "other-order", "mapping"],
)
def test_only_items_that_are_new_are_called(tmp_path, numbers, expected, calls):
    """An item is known by what it is, not by where it stands."""
    flow_of(tmp_path, [1, 2, 3]).run(cache="cached", progress=False)
    CALLS.clear()

    run = flow_of(tmp_path, numbers).run(cache="cached", progress=False)

    assert (run["slow"], CALLS) == (expected, calls)


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_an_item_that_its_call_changes_is_kept_as_what_it_was(tmp_path, executor):
    """What was called with one list is not taken for what another gives."""

    def grown(rows):
        rows.append(0)
        return len(rows)

    flow = Pipeline("flow", Parameters.define(rows=[[], [5]]), workspace=tmp_path, progress=False)
    flow.stage(Stage(grown, over="rows", executor=executor))
    first = flow.run(cache="cached")["grown"]

    second = flow.run(rows=[[0], [5, 0], []], cache="cached")

    assert (first, second["grown"]) == ([1, 2], [2, 3, 1])
    assert second.stages["grown"].items.counts == {"ok": 2, "reused": 1}


def test_an_argument_that_all_share_counts_for_each(tmp_path):
    """With another one every item is called."""
    flow = flow_of(tmp_path, [1, 2])
    flow.run(cache="cached", progress=False)
    CALLS.clear()
    other = Pipeline("flow", Parameters.define(numbers=[1, 2], k=5), workspace=tmp_path)
    other.stage(Stage(slow, over={"n": "numbers"}))

    assert other.run(cache="cached", progress=False)["slow"] == [5, 10]
    assert CALLS == [1, 2]


MODULE = """
    import time

    def helper(n):
        return n + {more}

    def slow(n):
        time.sleep(0.002)
        return helper(n)
"""


def test_a_changed_helper_calls_all_items(tmp_path):
    """Each result depends on it."""
    results = []
    for more in (1, 1, 2):
        names: dict[str, object] = {"__name__": "of_the_user"}
        source = tmp_path / f"source_{len(results)}.py"
        source.write_text(textwrap.dedent(MODULE.format(more=more)))
        exec(compile(source.read_text(), str(source), "exec"), names)
        flow = Pipeline("flow", Parameters.define(numbers=[1, 2, len(results)]), workspace=tmp_path)
        flow.stage(Stage(names["slow"], over={"n": "numbers"}))
        run = flow.run(cache="cached", progress=False)
        results.append((run["slow"], repr(run.stages["slow"].items)))

    assert results == [
        ([2, 3, 1], "<3 ok>"),
        ([2, 3, 2], "<3 reused>"),
        ([3, 4, 4], "<3 ok>"),
    ]


def test_another_way_to_go_together_is_another_result(tmp_path):
    """The inputs are the same, and what is made of them is not."""
    made = []
    for over in (("a", "b"), patterns.cross("a", "b"), ("a", "b")):
        flow = Pipeline("flow", Parameters.define(a=[1, 2], b=[3, 4]), workspace=tmp_path)
        flow.stage(Stage(lambda a, b: a * b, over=over, name="product"))
        made.append(flow.run(cache="cached", progress=False)["product"])

    assert made == [[3, 8], [[3, 4], [6, 8]], [3, 8]]


def test_an_item_is_the_same_in_another_order_of_arguments(tmp_path):
    """Which argument has which value counts."""
    made = []
    for over in (("a", "b"), ("b", "a")):
        flow = Pipeline("flow", Parameters.define(a=[1, 2], b=[2, 1]), workspace=tmp_path)
        flow.stage(Stage(lambda a, b: a - b, over=over, name="less"))
        made.append(flow.run(cache="cached", progress=False)["less"])

    assert made == [[-1, 1], [-1, 1]]


def test_quick_items_are_kept_only_if_reuse_is_asked_for(tmp_path):
    """To keep them takes longer than to call them."""

    def quick(n):
        sys.modules[__name__].CALLS.append(n)
        return n

    for mode in ("off", "cached"):
        for numbers in ([1, 2], [1, 2, 3]):
            flow = Pipeline("flow", Parameters.define(numbers=numbers), workspace=tmp_path / mode)
            flow.stage(Stage(quick, over={"n": "numbers"}))
            flow.run(cache=mode, progress=False)

    assert CALLS == [1, 2, 1, 2, 3, 1, 2, 3]


@pytest.mark.parametrize("on_error", ["stop", "continue", "collect"])
def test_a_run_that_failed_goes_on_in_another_process(tmp_path, on_error):
    """With the items that failed or were not called."""
    BROKEN.add(2)
    flow = flow_of(tmp_path, [1, 2, 3], on_error=on_error, chunk=1)
    try:
        flow.run(progress=False)
    except ValueError:
        assert on_error == "stop"
    BROKEN.clear()
    CALLS.clear()

    run = flow_of(tmp_path, [1, 2, 3]).resume(progress=False)

    assert run["slow"] == [1, 2, 3]
    assert ([2, 3] if on_error == "stop" else [2]) == CALLS


def test_failures_that_were_collected_are_no_result_to_keep(tmp_path):
    """The next run calls those items again."""
    BROKEN.add(2)
    flow_of(tmp_path, [1, 2, 3], on_error="collect").run(cache="cached", progress=False)
    BROKEN.clear()
    CALLS.clear()

    run = flow_of(tmp_path, [1, 2, 3], on_error="collect").run(cache="cached", progress=False)

    assert (run["slow"], CALLS) == ([1, 2, 3], [2])


@pytest.mark.parametrize("is_given", [True, False], ids=["parameter", "stage"])
def test_items_of_a_dict_in_another_order_go_together_in_another_way(tmp_path, is_given):
    """What they gave with others before is not taken for it, whoever gave the dict."""

    def together(sizes, names):
        return f"{names}{sizes}"

    def results(sizes):
        flow = Pipeline("flow", Parameters.define(given=sizes, names=["x", "y"]), progress=False)
        flow.stage(Stage(lambda given: given, name="sizes"))
        over = {"sizes": "given" if is_given else "sizes", "names": "names"}
        flow.stage(Stage(together, over=over))
        return flow.run(cache="cached", workspace=tmp_path)["together"]

    results({"a": 1, "b": 2})

    assert results({"b": 2, "a": 1}) == {"b": "x2", "a": "y1"}


def test_kept_items_can_be_all_that_may_be_used(tmp_path):
    """With ``cache="read-only"`` nothing is called."""
    flow_of(tmp_path, [1, 2]).run(cache="cached", progress=False)
    CALLS.clear()

    assert flow_of(tmp_path, [1, 2]).run(cache="read-only", progress=False)["slow"] == [1, 2]
    with pytest.raises(PlanError, match='cache="read-only" and no result of it is kept'):
        flow_of(tmp_path, [1, 7]).run(cache="read-only", progress=False)
    assert CALLS == []


def test_a_plan_says_how_many_items_are_kept(tmp_path):
    """Of those that are known before the run, and are not very many."""
    flow_of(tmp_path, [1, 2, 3]).run(cache="cached", progress=False)

    reason = flow_of(tmp_path, [2, 3, 9]).plan(cache="cached").stages["slow"].reason
    other = flow_of(tmp_path, [7]).plan(cache="cached").stages["slow"].reason
    many = flow_of(tmp_path, range(2000)).plan(cache="cached").stages["slow"].reason

    assert reason == 'parameter "numbers" [1, 2, 3] -> [2, 3, 9]; 2 of 3 items are kept'
    assert "kept" not in other + many
    assert CALLS == [1, 2, 3]


@pytest.mark.parametrize("checkpoint", [True, False])
def test_kept_items_in_another_order_may_be_used_as_well(tmp_path, checkpoint):
    """Though the stage as a whole is not kept."""
    flow_of(tmp_path, [1, 2]).run(cache="cached", progress=False)
    CALLS.clear()

    flow = flow_of(tmp_path, [2, 1])
    run = flow.run(cache="read-only", checkpoint=checkpoint, progress=False)

    assert (run["slow"], CALLS) == ([2, 1], [])


def test_all_items_are_called_if_that_is_asked_for(tmp_path):
    """By ``cache="force"``."""
    flow_of(tmp_path, [1, 2]).run(cache="cached", progress=False)
    CALLS.clear()

    flow_of(tmp_path, [1, 2]).run(cache="force", progress=False)

    assert CALLS == [1, 2]


def test_items_of_an_async_stage_are_kept(tmp_path):
    """As any others are."""

    async def stage(n):
        return slow(n)

    for numbers in ([1, 2], [1, 2, 3]):
        flow = Pipeline("flow", Parameters.define(numbers=numbers), workspace=tmp_path)
        flow.stage(Stage(stage, over={"n": "numbers"}))
        run = flow.run(cache="cached", progress=False)

    assert (run["stage"], CALLS) == ([1, 2, 3], [1, 2, 3])


def test_what_cannot_be_told_apart_is_not_kept(tmp_path):
    """Items of a class that says nothing of itself are called every time."""

    class Odd:
        def __reduce__(self):
            raise TypeError("no")

        def __repr__(self):
            return "odd"

    def stage(one):
        time.sleep(0.002)
        sys.modules[__name__].CALLS.append(repr(one))
        return 1

    for _ in range(2):
        flow = Pipeline("flow", Parameters.define(ones=[Odd()]), workspace=tmp_path)
        flow.stage(Stage(stage, over={"one": "ones"}))
        flow.run(cache="cached", progress=False)

    assert CALLS == ["odd", "odd"]


def test_large_items_are_not_kept_twice(tmp_path):
    """The stage as a whole is kept as their keys."""

    def large(n):
        time.sleep(0.002)
        sys.modules[__name__].CALLS.append(n)
        return os.urandom(500_000)

    def flow():
        flow = Pipeline("flow", Parameters.define(names={"a": 1, "b": 2, "c": 3}))
        flow.stage(Stage(large, over={"n": "names"}))
        flow.stage(Stage(lambda one: one[:1], over={"one": "large"}, name="sizes"))
        return flow

    first = flow().run(cache="cached", workspace=tmp_path, progress=False)
    again = flow().run(cache="cached", workspace=tmp_path, progress=False)

    size = sum(path.stat().st_size for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert again["large"] == first["large"]
    assert (CALLS, again.stages["large"].state) == ([1, 2, 3], "reused")
    assert 1_500_000 < size < 1_700_000


def test_a_whole_that_lacks_an_item_is_called_for_that(tmp_path):
    """What was pruned or damaged is made again, and nothing else."""

    def large(n):
        time.sleep(0.002)
        sys.modules[__name__].CALLS.append(n)
        return bytes([n]) * 600_000

    def flow(k):
        flow = Pipeline("flow", Parameters.define(numbers=[1, 2, 3], k=k), workspace=tmp_path)
        flow.stage(Stage(large, over={"n": "numbers"}))
        flow.stage(lambda large, k: [one[0] * k for one in large], name="first")
        return flow

    flow(1).run(cache="cached", progress=False)
    blobs = [path for path in (tmp_path / "store" / "blobs").rglob("*") if path.is_file()]
    next(path for path in blobs if path.read_bytes().endswith(b"\2" * 9)).unlink()
    CALLS.clear()

    with pytest.warns(UserWarning, match="missing"):
        run = flow(2).run(cache="cached", progress=False)

    assert (run["first"], CALLS) == ([2, 4, 6], [2])


KILLED = """
    import os, signal, sys, time
    from pypedream import Parameters, Pipeline, Stage

    workspace, calls, kill_at = sys.argv[1:]

    def slow(n):
        os_ = sys.modules["os"]
        file = os_.environ["CALLS"]
        time.sleep(0.002)
        with open(file, "a") as opened:
            opened.write(f"{n}\\n")
        if n == int(os_.environ["KILL_AT"]):
            os_.kill(os_.getpid(), 9)
        return n * n

    os.environ["CALLS"], os.environ["KILL_AT"] = calls, kill_at
    flow = Pipeline("flow", Parameters.define(numbers=range(60)), workspace=workspace)
    flow.stage(Stage(slow, over={"n": "numbers"}))
    run = flow.run(progress=False) if kill_at != "-1" else flow.resume(progress=False)
    print(run["slow"] == [n * n for n in range(60)])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process")
def test_a_killed_run_goes_on_with_its_items(tmp_path):
    """Those that were kept before; at most one chunk, a twentieth of a second, is lost."""
    script, calls = tmp_path / "script.py", tmp_path / "calls"
    script.write_text(textwrap.dedent(KILLED))

    def start(kill_at: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, script, tmp_path / "workspace", calls, str(kill_at)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    killed = start(50)
    before = calls.read_text().split()
    resumed = start(-1)

    assert killed.returncode == -signal.SIGKILL
    assert resumed.stdout == "True\n", resumed.stderr
    again = calls.read_text().split()[len(before) :]
    assert set(range(60)) - {*map(int, before)} <= {*map(int, again)}
    assert len(again) <= 9 + 30
    assert "0" not in again


def test_an_iterator_is_read_once(tmp_path):
    """A second stage, or a run that goes on, says so in place of mapping over what is left."""
    BROKEN.add(2)
    flow = flow_of(None, iter([1, 2, 3]), chunk=1)
    with pytest.raises(ValueError, match="broken"):
        flow.run(progress=False)
    BROKEN.clear()

    with pytest.raises(MapError, match='"numbers" is an iterator that was read already'):
        flow.resume(progress=False)
    assert flow.resume(numbers=[1, 2, 3], progress=False)["slow"] == [1, 2, 3]


def test_two_stages_do_not_share_an_iterator():
    """The second would get nothing."""
    flow = Pipeline("flow", Parameters.define(numbers=(n for n in range(3))))
    flow.stage(Stage(lambda n: n, over={"n": "numbers"}, name="first"))
    flow.stage(Stage(lambda n: n, over={"n": "numbers"}, name="second"))

    with pytest.raises(MapError, match="give a list, or a new one"):
        flow.run(progress=False)
    with pytest.raises(MapError, match="was read already"):
        flow.run(progress=False, only="first")


def test_a_whole_with_an_item_that_cannot_be_kept_is_not_planned_as_kept(tmp_path):
    """Only that item is called again, and the plan says so."""
    flow = Pipeline("flow", Parameters.define(ns=[1, 2, 3]), workspace=tmp_path, progress=False)
    called = []

    @flow.stage(over={"n": "ns"})
    def load(n):
        called.append(n)
        return threading.Lock() if n == 2 else bytes([n]) * (1 << 20)

    flow.run(cache="cached")
    called.clear()

    plan = flow.plan(cache="cached")
    flow.run(cache="cached")

    assert plan.stages["load"].decision == "run"
    assert called == [2]
