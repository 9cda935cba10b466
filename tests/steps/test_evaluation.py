from __future__ import annotations

import pickle
import re
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream.errors import DefinitionError, StepError, StoreError
from pypedream.steps import Chain, NoValue, Step
from pypedream.steps.backends import Backend
from pypedream.steps.given import Given
from pypedream.steps.task import Done, Item, Task
from pypedream.store import CacheStore, CorruptEntryWarning

CALLS: list[Any] = []


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


@pytest.fixture
def infra(tmp_path: Path) -> dict[str, Any]:
    return {"backend": "Cached", "folder": tmp_path / "kept"}


class Plus(Step):
    by: int = 1

    def _run(self, value: int) -> int:
        CALLS.append((self.by, value))
        return value + self.by


class Wrap(Step):
    def _run(self, value: Any) -> list[Any]:
        CALLS.append(value)
        return [value]


class Long(Step):
    def _run(self, value: int) -> str:
        CALLS.append(value)
        return f"{value} " * 100


class Refuse(Step):
    at: int = 3

    def _run(self, value: int) -> int:
        CALLS.append(value)
        if value == self.at:
            raise LookupError(f"no {value}")
        return value


class Many(Step):
    def _run_batch(self, values: Iterable[int]) -> Iterator[int]:
        taken = list(values)
        CALLS.append(taken)
        yield from (value * 10 for value in taken)


class Threads(Backend):
    """Four at a time, in any order; like the pools, but as small as can be."""

    _takes_all = True

    def _compute(self, task: Task, items: Sequence[Item]) -> Iterator[Done]:
        with ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(lambda item=item: list(task.stream([item]))) for item in items]
            for future in as_completed(futures):
                yield from future.result()


class Elsewhere(Backend):
    """As another process would: what goes there and comes back is pickled."""

    _takes_all = _is_remote = True

    def _compute(self, task: Task, items: Sequence[Item]) -> Iterator[Done]:
        sent = pickle.dumps((task, items))
        there, its = pickle.loads(sent)
        yield from pickle.loads(pickle.dumps(there(its)))


BACKENDS = ["Cached", "Threads", "Elsewhere"]


def test_values_go_through_the_steps_one_by_one():
    """Without anything that is kept, and as they are asked for."""
    results = iter(Chain(steps=[Plus(), Plus(by=10)]).run_many(range(3)))

    assert next(results) == 11
    assert CALLS == [(1, 0), (10, 1)]
    assert list(results) == [12, 13]


def test_a_chain_may_be_as_long_as_one_likes(infra):
    """With results kept at every step as well."""
    assert Chain(steps=[Plus()] * 5_000).run(0) == 5_000
    kept = Chain(steps=[Plus(infra={}) for _ in range(400)], infra=infra)
    CALLS.clear()

    assert kept.run(0) == 400
    assert len(CALLS) == 400
    assert kept.run(0) == 400
    assert len(CALLS) == 400


def test_nothing_is_computed_above_what_is_kept(infra):
    """Each item goes on from the last place where it is kept."""
    chain = Chain(steps=[Plus(infra={}), Plus(by=10), Plus(by=100, infra={})], infra=infra)
    assert list(chain.run_many([1, 2])) == [112, 113]
    assert list(Chain(steps=[Plus(infra={})], infra=infra).run_many([3])) == [4]
    CALLS.clear()

    assert list(chain.run_many([1, 2, 3, 4])) == [112, 113, 114, 115]

    assert sorted(CALLS) == [(1, 4), (10, 4), (10, 5), (100, 14), (100, 15)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_results_are_the_same_wherever_they_are_computed(backend, infra):
    """And kept for everybody."""
    steps = [Plus(infra=infra | {"backend": backend}), Wrap(), Wrap(infra={})]
    chain = Chain(steps=steps, infra=infra)

    assert list(chain.run_many([1, 2, 1])) == [[[2]], [[3]], [[2]]]
    CALLS.clear()
    assert list(chain.clone().run_many([2, 1])) == [[[3]], [[2]]]
    assert CALLS == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_results_never_share_an_object(backend, infra):
    """Whoever changes his own changes nothing of another one's."""
    step = Wrap(infra=infra | {"backend": backend})

    for _ in range(2):
        first, second = step.run_many([1, 1])
        first.append("changed")
        assert second == [1]
    assert CALLS == [1]


def test_a_result_is_kept_as_it_was_when_the_step_gave_it(infra):
    """Though the next step changes it in place."""

    class Spoil(Step):
        def _run(self, value: list[int]) -> int:
            value.append(7)
            return len(value)

    Chain(steps=[Wrap(infra={}), Spoil(infra={})], infra=infra).run(1)

    assert Wrap(infra=infra).run(1) == [1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_comes_before_an_error_is_given_and_kept(backend, infra):
    """The error is raised in its turn, and again from what is kept."""
    step = Refuse(infra=infra | {"backend": backend})

    for _ in range(2):
        results = iter(step.run_many([1, 2, 3, 4]))
        assert [next(results), next(results)] == [1, 2]
        with pytest.raises(LookupError, match="no 3"):
            next(results)
    assert CALLS.count(3) == 1
    assert step.lookup(3).status == "error"


def test_nothing_is_computed_after_an_error_in_this_process(infra):
    """As in a loop."""
    step = Refuse(infra=infra)
    list(step.run_many([10, 20, 30, 40]))  # so that many are taken together
    CALLS.clear()

    with pytest.raises(LookupError):
        list(step.run_many([1, 2, 3, 4, 5]))

    assert CALLS == [1, 2, 3]


def test_an_error_that_is_kept_says_what_to_do(infra):
    """The one that was raised first does not."""
    with pytest.raises(LookupError) as first:
        Refuse(infra=infra).run(3)
    with pytest.raises(LookupError) as second:
        Refuse(infra=infra).run(3)

    assert first.value.__notes__ == ["in Refuse()"]
    assert second.value.__notes__ == [
        "in Refuse()",
        'this error was kept: mode="retry" computes the step again',
    ]
    assert second.value.args == ("no 3",)
    assert second.traceback[-1].name == "_run"


def test_what_fails_first_in_a_pool_is_raised_in_its_turn(infra):
    """Though what comes before it takes longer, and goes on through more steps."""

    class Late(Step):
        def _run(self, value: int) -> int:
            if value == 3:
                raise LookupError("no 3")
            time.sleep(0.2)
            return value

    chain = Chain(steps=[Late(infra=infra | {"backend": "Threads"}), Plus(infra=infra)])
    results = iter(chain.run_many([1, 2, 3, 4]))

    assert [next(results), next(results)] == [2, 3]
    with pytest.raises(LookupError, match="no 3"):
        next(results)


def test_an_error_in_a_batch_is_raised_in_its_turn(infra):
    """Also when it is one that is kept, and through more steps."""

    class Breaks(Step):
        def _run_batch(self, values: Iterable[int]) -> Iterator[int]:
            for value in values:
                if value == 3:
                    raise LookupError("no 3")
                yield value

    step = Breaks(infra=infra)
    chain = Chain(steps=[Breaks(infra=infra), Plus(infra=infra)])

    for one in (step, chain):
        with pytest.raises(LookupError, match="no 3"):
            list(one.run_many([1, 2, 3, 4, 5]))
        with pytest.raises(LookupError, match="no 3"):
            list(one.run_many([5, 3, 4]))
    assert [step.lookup(value).status for value in (2, 3)] == ["success", "error"]


def test_an_error_shows_the_lines_of_the_user(infra):
    """Not those between them, however deep the chain is; kept or not."""
    chain = Chain(steps=[Plus(), Chain(steps=[Refuse(infra={}), Plus()])], infra=infra)

    for _ in range(2):
        with pytest.raises(LookupError) as caught:
            chain.run(2)
        names = [entry.name for entry in caught.traceback]
        assert names[-1] == "_run"
        assert set(names[1:-1]) <= {"run", "__iter__"}


def test_an_error_above_is_raised_below(infra):
    """The steps after it keep nothing of that item."""
    chain = Chain(steps=[Refuse(infra=infra), Plus(infra=infra)])

    for _ in range(2):
        with pytest.raises(LookupError, match="no 3"):
            list(chain.run_many([2, 3]))

    assert [chain.lookup(value).status for value in (2, 3)] == ["success", None]
    assert chain[0].lookup(3).status == "error"
    assert CALLS == [2, (1, 2), 3]


def test_an_error_within_a_chain_is_one_of_the_chain(infra):
    """Where the chain as a whole keeps its results."""
    chain = Chain(steps=[Refuse(infra={}), Plus()], infra=infra)

    with pytest.raises(LookupError):
        chain.run(3)

    assert chain.lookup(3).status == "error"


def test_an_error_of_what_is_around_a_step_is_not_kept(infra):
    """As of a folder that cannot be written; the next run tries again."""
    inner = infra["folder"] / "inner"
    inner.parent.mkdir()
    inner.write_text("in the way")
    chain = Chain(steps=[Plus(infra=infra | {"folder": inner}), Plus()], infra=infra)
    with pytest.raises(OSError, match="inner"):
        chain.run(1)
    assert chain.lookup(1).status is None

    inner.unlink()

    assert chain.run(1) == 3


def test_what_cannot_be_kept_is_an_error_each_time(infra):
    """It names the step and says what to do."""

    class Stream(Step):
        def _run(self) -> Iterator[int]:
            return (number for number in range(3))

    for _ in range(2):
        with pytest.raises(OSError, match=r"Stream: its result cannot be kept: .*generator.*leave"):
            Stream(infra=infra).run()


@pytest.mark.parametrize("mode", ["cached", "retry", "read-only"])
def test_what_is_kept_is_used(mode, infra):
    """In every mode but one."""
    Plus(infra=infra).run(1)
    CALLS.clear()

    assert Plus(infra=infra | {"mode": mode}).run(1) == 2
    assert CALLS == []


def test_retry_computes_an_error_again_and_goes_on(infra):
    """Also what was an error further down."""
    chain = Chain(steps=[Plus(infra={"mode": "retry"}), Refuse(infra={})], infra=infra)
    with pytest.raises(LookupError):
        Chain(steps=[Plus(infra={}), Refuse(infra={})], infra=infra).run(2)
    CALLS.clear()

    with pytest.raises(LookupError):
        chain.run(2)

    assert CALLS == [3]


def test_force_computes_again_from_there_on_once(infra):
    """What is above stays; in another object of the same configuration it is once more."""

    def chain() -> Chain:
        steps = [Plus(infra={}), Plus(by=10, infra={"mode": "force"}), Plus(by=100, infra={})]
        return Chain(steps=steps, infra=infra)

    assert chain().run(1) == 112
    for _ in range(2):
        CALLS.clear()
        forced = chain()
        assert list(forced.run_many([1])) == [112]
        assert CALLS == [(10, 2), (100, 12)]
        assert forced.run(1) == 112
        assert CALLS == [(10, 2), (100, 12)]


def test_force_on_a_chain_computes_all_its_steps_again_once(infra):
    """Those of a chain within it as well; what stands before the chain stays."""

    def chain(**changes: str) -> Chain:
        within = Chain(steps=[Plus(by=10, infra={}), Plus(by=20)], infra={})
        forced = Chain(steps=[within, Plus(by=30, infra={}), Plus(by=40)], infra=infra | changes)
        return Chain(steps=[Plus(infra=infra), forced])

    assert chain().run(1) == 102
    CALLS.clear()
    forced = chain(mode="force")

    assert [forced.run(1), forced.run(1)] == [102, 102]
    assert CALLS == [(10, 2), (20, 12), (30, 32), (40, 62)]


def test_what_may_only_be_read_cannot_be_in_a_chain_that_is_computed_anew(infra):
    """Its result is one of those to be made."""
    steps = [Plus(infra={"mode": "read-only"}), Plus()]

    with pytest.raises(DefinitionError, match='Plus has mode="read-only" in a chain with'):
        Chain(steps=steps, infra=infra | {"mode": "force"}).run(1)


def test_what_may_only_be_read_cannot_come_after_what_is_computed_anew(infra):
    """It would be of the old result."""
    steps = [Plus(infra={"mode": "force"}), Plus(infra={"mode": "read-only"})]

    with pytest.raises(DefinitionError, match='Plus has mode="read-only" after'):
        Chain(steps=steps, infra=infra).run(1)


def test_reading_only_changes_nothing(infra, tmp_path):
    """No file, and no folder either."""
    reading = Plus(infra=infra | {"mode": "read-only"})

    with pytest.raises(StepError, match='Plus: mode="read-only" and no result is kept for item 0'):
        reading.run(1)

    assert list(tmp_path.iterdir()) == []


def test_steps_that_make_batches_get_what_is_missing_in_one_call(infra):
    """Also from within a chain that keeps its results."""
    chain = Chain(steps=[Plus(), Many()], infra=infra)
    assert list(chain.run_many([1, 2])) == [20, 30]
    CALLS.clear()

    assert list(chain.run_many([1, 2, 3, 4, 5])) == [20, 30, 40, 50, 60]
    assert CALLS == [(1, 3), (1, 4), (1, 5), [4, 5, 6]]


def test_a_chain_in_a_pool_is_computed_together(infra):
    """A step within a chain that is kept gets all items at once."""
    chain = Chain(steps=[Many(infra={"backend": "Threads"}), Plus()], infra=infra)

    assert list(chain.run_many([1, 2, 3])) == [11, 21, 31]
    assert sorted(each for each in CALLS if isinstance(each, list)) == [[1], [2], [3]]


def test_the_first_results_of_a_pool_come_while_others_are_computed(infra):
    """Nobody waits for the last one."""
    release = threading.Event()

    class Waits(Step):
        def _run(self, value: int) -> int:
            if value:
                release.wait(10)
            return value

    results = iter(Waits(infra=infra | {"backend": "Threads"}).run_many([0, 1]))

    assert next(results) == 0
    release.set()
    assert list(results) == [1]


def test_nobody_waits_for_one_who_takes_his_time_with_results(infra):
    """What is kept already is for everybody, whoever has claimed it."""
    step = Plus(infra=infra | {"backend": "Threads"})
    slowly = iter(step.run_many([1, 2, 3]))
    assert next(slowly) == 2

    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(lambda: list(step.clone().run_many([3, 2, 1])))
        assert others.result(20) == [4, 3, 2]

    assert list(slowly) == [3, 4]
    assert len(CALLS) == 3


def test_nobody_waits_for_himself(infra):
    """Who asks anew for what he left half way gets it computed."""

    class Lazy(Threads):
        """Computes what is asked for and no more."""

        def _compute(self, task: Task, items: Sequence[Item]) -> Iterator[Done]:
            for item in items:
                yield from task.stream([item])

    step = Plus(infra=Lazy(folder=infra["folder"]))
    left = iter(step.run_many(range(5)))
    assert next(left) == 1

    assert step.run(4) == 5
    assert list(step.run_many(range(5))) == [1, 2, 3, 4, 5]
    assert list(left) == [2, 3, 4, 5]


def test_what_is_left_half_way_is_free_after_a_while(infra, monkeypatch):
    """For other threads and processes: the claims are not renewed."""
    from pypedream.steps import level
    from pypedream.store import claims

    class Lazy(Threads):
        def _compute(self, task: Task, items: Sequence[Item]) -> Iterator[Done]:
            for item in items:
                yield from task.stream([item])

    monkeypatch.setattr(level, "_IDLE_S", 0.1)
    monkeypatch.setattr(claims, "LEASE_S", 3.0)
    monkeypatch.setattr(claims, "_RENEWED_AFTER_S", 0.0)
    step = Plus(infra=Lazy(folder=infra["folder"]))
    left = iter(step.run_many(range(3)))
    assert next(left) == 1

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(step.run, 2).result(20) == 3

    assert list(left) == [2, 3]


def test_many_results_that_are_kept_are_read_one_by_one(infra):
    """Also those that are looked for together, which would take the memory of all."""
    step = Long(infra=infra | {"backend": "Elsewhere"})
    list(step.run_many(range(2_100)))

    again = list(step.clone().run_many(range(2_200)))

    assert again == [f"{value} " * 100 for value in range(2_200)]
    assert sorted(CALLS) == list(range(2_200))


def test_eight_threads_compute_once(infra):
    """In this process, each with a step of its own."""

    class Slow(Step):
        def _run(self, value: int) -> int:
            CALLS.append(value)
            time.sleep(0.2)
            return value

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: list(Slow(infra=infra).run_many([1, 2])), range(8)))

    assert found == [[1, 2]] * 8
    assert sorted(CALLS) == [1, 2]


def test_eight_processes_compute_once(tmp_path):
    """And each of them gets the result."""
    script = textwrap.dedent(
        """
        import sys, time
        from pypedream.steps import Step

        class Slow(Step):
            def _run(self, value):
                with open(sys.argv[1] + "/calls", "a") as file:
                    file.write("x")
                time.sleep(0.5)
                return value

        print(Slow(infra={"folder": sys.argv[1]}).run(7))
        """
    )
    (tmp_path / "flow.py").write_text(script)
    command = [sys.executable, str(tmp_path / "flow.py"), str(tmp_path)]

    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    said = [process.communicate(timeout=120)[0].strip() for process in processes]

    assert said == ["7"] * 8
    assert (tmp_path / "calls").read_text() == "x"


def test_an_error_that_somebody_holds_holds_no_claim(infra):
    """As a notebook holds the last one."""

    class Never(Step):
        def _run(self, value: int) -> int:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as held:
        Never(infra=infra).run(1)

    assert Never(infra=infra).lookup(1).status is None
    assert held.value is not None


@pytest.mark.parametrize("size", [1, 100_000], ids=["small", "large"])
def test_what_is_damaged_is_computed_again(size, infra):
    """With a warning, once."""

    class Zeros(Step):
        def _run(self, size: int) -> Any:
            CALLS.append(size)
            return np.zeros(size)

    step = Zeros(infra=infra)
    step.run(size)
    damage(step.lookup(size).paths.cache_folder)

    with pytest.warns(CorruptEntryWarning):
        assert len(step.run(size)) == size

    assert [size, size] == CALLS
    assert len(step.run(size)) == size


def test_what_is_damaged_is_told_who_cannot_compute_it(infra):
    """With the folder, and what helps."""
    step = Plus(infra=infra)
    step.run(1)
    damage(step.lookup(1).paths.cache_folder)

    with pytest.warns(CorruptEntryWarning), pytest.raises(StepError) as told:
        Plus(infra=infra | {"mode": "read-only"}).run(1)
    with pytest.warns(CorruptEntryWarning), pytest.raises(StoreError, match="run the step again"):
        step.lookup(1).result()

    text = r'Plus: mode="read-only" .* item 0 in .*kept is \w+: mode="cached" computes it again'
    assert re.fullmatch(text, str(told.value))


def damage(folder: Path) -> None:
    """Change the content of all that is kept."""
    for blob in folder.glob("blobs/*/*"):
        blob.chmod(0o600)
        blob.write_bytes(b"x" * blob.stat().st_size)
    with sqlite3.connect(folder / "index.db") as index:
        index.execute("UPDATE entries SET inline = ? WHERE inline IS NOT NULL", (b"[1]",))
    index.close()


def test_a_folder_may_be_removed_between_two_runs(infra):
    """What was in it is computed again."""
    step = Plus(infra=infra)
    step.run(1)

    shutil.rmtree(infra["folder"])

    assert step.lookup(1).status is None
    assert step.run(1) == 2
    assert CALLS == [(1, 1), (1, 1)]


def test_steps_without_an_input_keep_one_result(infra):
    """An input that is None is another thing."""

    class Either(Step):
        def _run(self, value: Any = 5) -> Any:
            CALLS.append(value)
            return value

    step = Either(infra=infra)

    assert [step.run(), step.run(None), step.run(NoValue()), step.run(None)] == [5, None, 5, None]
    assert CALLS == [5, None]


class Mixed(Step):
    def _run(self, value: Any) -> Any:
        CALLS.append(value)
        return [value] if value == 7 else value


def removed(step: Step) -> None:
    step.lookup(5).clear_cache()


def removed_by_another(step: Step) -> None:
    paths = step.lookup(5).paths
    store = CacheStore(paths.cache_folder)
    store.delete(paths.start + step.lookup(5).uid, dry_run=False)
    store.close()


def moved_away(step: Step) -> None:
    shutil.rmtree(step.lookup(5).paths.cache_folder)


@pytest.mark.parametrize("change", [removed, removed_by_another, moved_away])
def test_what_many_gave_is_asked_for_again_when_anything_has_changed(infra, change):
    """However often they were given before."""
    step, values = Mixed(infra=infra), list(range(20))
    for _ in range(4):
        list(step.run_many(values))
    assert values == CALLS

    change(step)

    assert list(step.run_many(values)) == [[7] if value == 7 else value for value in values]
    assert 5 in CALLS[20:]


NUMBERS = [*range(7), True, False, "1", "0", *range(7)]


@pytest.mark.parametrize(
    "values", [NUMBERS, [*NUMBERS, 1.0, 0.0, -0.0, None], [*NUMBERS, 7]], ids=str
)
def test_many_that_are_given_again_are_what_they_were(infra, values):
    """Each of its own type, whatever is equal to what, and in an object of its own."""
    step = Mixed(infra=infra)

    results = [list(step.run_many(values)) for _ in range(4)]

    expected = [[7] if value == 7 else value for value in values]
    assert {repr(each) for each in results} == {repr(expected)}
    assert len(CALLS) == len({repr(each) for each in values})
    assert expected[-1] != [7] or results[2][-1] is not results[3][-1]


@pytest.mark.parametrize("value, result", [("x" * 1_000, 1), (1, "x" * 1_000)], ids=["in", "out"])
def test_a_long_text_is_not_held_in_memory(value, result):
    """Neither one that was given nor one that came of it."""
    given = Given()
    given.begin("as it is")
    for one, other in ((value, result), (2, 3)):
        given.add(one, other)

    assert given.all_of([2]) == [3]
    assert given.all_of([value]) is None


def test_a_step_may_be_changed_between_two_runs(infra):
    """What is kept is of the values that it had."""
    step = Plus(infra=infra)
    assert step.run(1) == 2

    step.by = 5

    assert step.run(1) == 6
    assert Plus(infra=infra).lookup(1).result() == 2


def test_a_step_that_is_changed_while_it_runs_keeps_nothing(infra):
    """It would be under the values that it had before."""

    class Counts(Step):
        count: int = 0

        def _run(self) -> int:
            self.count += 1
            return self.count

    step = Counts(infra=infra)
    with pytest.raises(StepError, match=r"Counts: a field was changed while it ran, .*clone"):
        step.run()

    assert Counts(infra=infra).lookup().status is None


class Grows(Step):
    seen: list[int] = []  # noqa: RUF012 - pydantic gives each step its own
    depth: dict[str, dict[str, int]] = {"a": {"b": 0}}  # noqa: RUF012

    def _run(self, value: int) -> int:
        if value == 3:
            self.seen.append(value)
        if value == 4:
            self.depth["a"]["b"] += 1
        return value + len(self.seen)


@pytest.mark.parametrize("backend", ["Cached", "ThreadPool", "ProcessPool"])
@pytest.mark.parametrize("values, name", [([1, 2, 3, 5], "seen"), ([4], "depth")])
def test_a_step_that_changes_a_field_in_place_is_told_so(backend, values, name, tmp_path):
    """Wherever it runs; what it gave from then on is not kept, and what is kept is right."""
    step = Grows(infra={"folder": tmp_path, "backend": backend})

    with pytest.raises(StepError, match=f"Grows: the field {name} of Grows was changed in place"):
        list(step.run_many(values))

    handles = {value: Grows(infra={"folder": tmp_path}).lookup(value) for value in values}
    assert {handles[value].status for value in values if value in (3, 4)} == {None}
    assert all(each.result() == value for value, each in handles.items() if each.cached())


class Asks(Step):
    other: Step | None = None
    others: list[Step] = []  # noqa: RUF012 - pydantic gives each step its own
    pair: tuple[Step, ...] = ()
    named: dict[str, list[Step]] = {}  # noqa: RUF012

    def _run(self, value: int) -> int:
        one = self.other or [*self.others, *self.pair, *self.named.get("a", ())][-1]
        return one.run(value)


@pytest.mark.parametrize("backend", ["Cached", "ThreadPool", "ProcessPool"])
@pytest.mark.parametrize(
    "name, value",
    [
        ("other", Grows()),
        ("others", [Grows(), Grows()]),
        ("pair", (Grows(),)),
        ("named", {"a": [Grows()]}),
        ("other", Asks(others=[Grows()])),
        ("other", Chain(steps=[Grows()])),
    ],
    ids=["one", "list", "tuple", "mapping", "one in one", "chain"],
)
def test_a_step_whose_own_step_is_changed_in_place_is_told_so(backend, name, value, tmp_path):
    """What that one holds is a part of what the results are kept by."""
    step = Asks(**{name: value}, infra={"folder": tmp_path, "backend": backend}).model_copy(
        deep=True
    )

    with pytest.raises(StepError, match=f"Asks: the field {name} of Asks was changed in place"):
        list(step.run_many([4]))

    assert Asks(**{name: value}, infra={"folder": tmp_path}).lookup(4).status is None


def test_a_step_that_is_changed_between_two_results_says_so(infra):
    """What was given before is kept, and right."""
    step = Grows(infra=infra)
    results = iter(step.run_many([1, 2]))
    assert next(results) == 1

    step.seen = [7]

    with pytest.raises(StepError, match="Grows: a field was changed while it ran"):
        next(results)
    assert [Grows(infra=infra).lookup(value).status for value in (1, 2)] == ["success", None]


def test_what_was_done_before_a_kill_stays(tmp_path):
    """And the rest is computed by whoever comes next, at once."""
    script = textwrap.dedent(
        """
        import os, sys, time
        from pypedream.steps import Step

        class Slow(Step):
            def _run(self, value):
                with open(sys.argv[1] + "/calls", "a") as file:
                    file.write(f"{value} ")
                time.sleep(0.1)
                if value == 5 and sys.argv[2] == "die":
                    os.kill(os.getpid(), 9)
                return value

        print(*Slow(infra={"folder": sys.argv[1]}).run_many(range(8)))
        """
    )
    (tmp_path / "flow.py").write_text(script)
    command = [sys.executable, str(tmp_path / "flow.py"), str(tmp_path)]

    died = subprocess.run([*command, "die"], capture_output=True, check=False)
    started = time.monotonic()
    lived = subprocess.run([*command, "live"], capture_output=True, text=True, check=True)

    assert died.returncode == -9
    assert lived.stdout == "0 1 2 3 4 5 6 7\n"
    assert (tmp_path / "calls").read_text().split() == ["0", "1", "2", "3", "4", "5", "5", "6", "7"]
    assert time.monotonic() - started < 20  # a claim of somebody who waits is of 30 s


@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(st.integers(-3, 3), max_size=12),
    before=st.lists(st.integers(-3, 3), max_size=6),
    kept=st.lists(
        st.sampled_from([None, "Cached", "Threads", "Elsewhere"]), min_size=3, max_size=3
    ),
    whole=st.sampled_from([None, "Cached", "Threads"]),
)
def test_a_chain_gives_what_its_steps_would(values, before, kept, whole, tmp_path_factory):
    """Wherever results are kept, and whatever was kept before; it computes nothing twice."""
    folder = tmp_path_factory.mktemp("kept")
    infras = [None if each is None else {"backend": each, "folder": folder} for each in kept]
    steps = [Plus(by=10**at, infra=infra) for at, infra in enumerate(infras)]
    around = None if whole is None else {"backend": whole, "folder": folder}
    list(Chain(steps=steps[:2]).run_many(before))
    chain = Chain(steps=[Chain(steps=steps[:2]), steps[2]], infra=around)
    CALLS.clear()

    assert list(chain.run_many(values)) == [value + 111 for value in values]

    if whole or kept[2]:
        assert all(CALLS.count(call) == 1 for call in CALLS)
        CALLS.clear()
        assert list(chain.run_many(values[::-1])) == [value + 111 for value in values[::-1]]
        assert CALLS == []
