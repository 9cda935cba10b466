"""Maps: one small function for very many items, and a few large ones, beside other libraries."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import (
    Row,
    apart,
    in_calls,
    is_installed,
    of_peer,
    one_call,
    paired,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pypedream import Pipeline

MANY = 100_000
UNIT = "calls an item"
MEGABYTE = 1024 * 1024


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure everything, each figure in a process of its own."""
    count, samples = (MANY // 50, 3) if quick else (MANY, 9)
    beside = {} if quick else peers(count)
    for name, asked in (("serial", 25.0), ("threads", 40.0)):
        yield apart(here, name, asked, count, samples, beside.get(name, {}))
    yield apart(elsewhere, count, samples, beside.get("processes", {}))
    if not quick:
        yield from apart(ten_times, count)
    yield apart(two_processors, 40 if quick else 400, 3 if quick else 7)
    if is_installed("numpy"):
        yield apart(one_array, 1_000_000 if quick else 12_500_000, 3 if quick else 7)
    yield from apart(kept, (50, 200) if quick else (500, 8_000), 10_000 // (20 if quick else 1))


def same(n: int) -> int:
    """Return what it gets."""
    return n


def heavy(n: int) -> int:
    """Keep a processor busy for some milliseconds."""
    total = 0
    for number in range(60_000):
        total += number * n
    return total


def mapped(function: Callable[..., Any], **options: Any) -> Pipeline:
    """Return a pipeline of one stage that is mapped over a parameter."""
    from pypedream import Parameters, Pipeline

    flow = Pipeline("map", Parameters.define("items"), progress=False)
    flow.stage(function, name="each", over={"n": "items"}, **options)
    return flow


def here(
    executor: str, asked: float, count: int, samples: int, beside: dict[str, list[float]]
) -> Row:
    """Measure a map of tiny items with events in memory."""
    flow, items = mapped(same), list(range(count))

    def run() -> Any:
        return flow.run(items=items, executor=executor, workers=2)

    assert run()["each"] == items
    ratios = in_calls(run, count, samples)
    return Row(f"map of {count:,} tiny items, {executor}: run", UNIT, ratios, asked, beside)


def elsewhere(count: int, samples: int, beside: dict[str, list[float]]) -> Row:
    """Measure a map in two processes that are there: the processor time of all three."""
    from pypedream.executors import Processes

    flow, items = mapped(same), list(range(count))
    figure = f"map of {count:,} tiny items, two processes: CPU of all"
    with Processes(2) as pool:

        def run() -> Any:
            return flow.run(items=items, executor=pool)

        assert run()["each"] == items
        pids: set[int] = set()
        while len(pids) < pool.workers:  # one may be slow to come up
            run()
            pids.update(_children())

        def sample() -> float:
            before = process_time() + sum(map(cpu_of, pids))
            run()
            return (process_time() + sum(map(cpu_of, pids)) - before) / count

        ratios = paired(sample, one_call, samples)
    return Row(figure, UNIT, ratios, 30, beside)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a process took, to the nanosecond where Linux tells."""
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0]) / 1e9
    except OSError:
        return 0.0


def ten_times(count: int) -> list[Row]:
    """Measure a million items beside a hundred thousand, and the memory that they take."""
    flow = mapped(same)

    def each(many: int) -> Callable[[], float]:
        def sample() -> float:
            start = process_time()
            flow.run(items=range(many))
            return (process_time() - start) / many

        return sample

    cost = paired(each(10 * count), each(count), 3)
    grown, longer = (apart(memory_of_a_stream, times * count) for times in (10, 100))
    return [
        Row(f"map of {10 * count:,} against {count:,} items", "times an item", cost, 1.2),
        Row(f"map of {10 * count:,} items: memory", "MB", [grown], 200),
        Row(f"map of {100 * count:,} items: memory", "MB", [longer]),
    ]


def memory_of_a_stream(count: int) -> float:
    """Return by how many MB the process grows at most in a map over a generator."""
    flow = mapped(same)
    flow.run(items=range(1000))
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # the highest so far is what is there now
    before = _most_kilobytes()
    run = flow.run(items=(number & 1 for number in range(count)))
    grown = _most_kilobytes() - before
    assert len(run["each"]) == count
    return grown / 1024


def _most_kilobytes() -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def two_processors(count: int, samples: int) -> Row:
    """Measure how much faster two processes are than one, where the processor is what it takes."""
    from pypedream.executors import Processes

    flow, items = mapped(heavy), list(range(count))
    with Processes(2) as pool:

        def wall(executor: Any) -> Callable[[], float]:
            def sample() -> float:
                start = perf_counter()
                flow.run(items=items, executor=executor)
                return perf_counter() - start

            return sample

        ratios = paired(wall(pool), wall("serial"), samples)
    figure = "map that takes the processor, two processes: time"
    return Row(figure, "times serial", ratios, 1 / 1.85)


def one_array(length: int, samples: int) -> Row:
    """Measure a large array that eight tasks read, beside one copy by pickle."""
    import numpy

    from pypedream import Parameters, Pipeline
    from pypedream.executors import Processes

    array = numpy.random.default_rng(0).random(length)
    flow = Pipeline("array", Parameters.define("array", items=list(range(8))), progress=False)
    flow.stage(first_of, name="each", over={"n": "items"}, chunk=1)

    def copied() -> float:
        start = perf_counter()
        buffers: list[Any] = []
        data = pickle.dumps(array, 5, buffer_callback=buffers.append)
        pickle.loads(data, buffers=[bytearray(buffer.raw()) for buffer in buffers])
        return perf_counter() - start

    with Processes(2) as pool:

        def given() -> float:
            own = array.copy()  # which no process has seen
            start = perf_counter()
            run = flow.run(array=own, executor=pool)
            took = perf_counter() - start
            assert run["each"] == [array[0]] * 8
            return took

        ratios = paired(given, copied, samples)
    figure = f"array of {array.nbytes / 1e6:,.0f} MB to 8 tasks in 2 processes: time"
    return Row(figure, "pickle copies", ratios, 1.5)


def first_of(n: int, array: Any) -> float:
    """Return one number of a large array."""
    return float(array[0])


def kept(counts: tuple[int, int], again: int) -> list[Row]:
    """Measure maps whose items are kept: many beside few, and with nothing to do."""
    few, many = counts

    def each(count: int) -> Callable[[], float]:
        def sample() -> float:
            with TemporaryDirectory() as folder:
                start = perf_counter()
                mapped(same).run(items=range(count), cache="cached", workspace=folder)
                return (perf_counter() - start) / count

        return sample

    cost = paired(each(many), each(few), 5)
    with TemporaryDirectory() as folder:
        flow = mapped(same)
        options = {"items": range(again), "cache": "cached", "workspace": folder}
        flow.run(**options)
        took = []
        for _ in range(5):
            start = perf_counter()
            run = flow.run(**options)
            took.append((perf_counter() - start) / again * 1e6)
            assert run.stages["each"].state == "reused"
        shuffled = {**options, "items": range(again)[::-1]}
        start = perf_counter()
        flow.run(**shuffled)
        every = (perf_counter() - start) / again * 1e6
    return [
        Row(f"kept map of {many:,} items against {few:,}", "times an item", cost, 1.5),
        Row(f"kept map of {again:,} items, nothing to do", "us an item", took, 20),
        Row(f"kept map of {again:,} items, in another order", "us an item", [every]),
    ]


def peers(count: int) -> dict[str, dict[str, list[float]]]:
    """Measure the same with other libraries, and with pools that know nothing of a run."""
    found: dict[str, dict[str, list[float]]] = {
        "serial": {},
        "threads": {"bare pool, one future an item": of_peer(in_a_pool, "threads", count)},
        "processes": {"bare pool, chunks of 1,000": of_peer(in_a_pool, "processes", count)},
    }
    if is_installed("pipefunc"):
        for name, others in found.items():
            others["pipefunc"] = of_peer(with_pipefunc, name, count // 5)
    if is_installed("joblib"):
        found["processes"]["joblib"] = of_peer(with_joblib, count)
    return found


def in_a_pool(kind: str, count: int) -> list[float]:
    """Map in a pool of the standard library that is there already."""
    make: Any = ThreadPoolExecutor if kind == "threads" else ProcessPoolExecutor
    chunk = 1 if kind == "threads" else 1000
    with make(2) as pool:
        return _cpu_of_all(lambda: list(pool.map(same, range(count), chunksize=chunk)), count)


def with_pipefunc(kind: str, count: int) -> list[float]:
    """Map with pipefunc, whose map is recorded in memory."""
    from pipefunc import PipeFunc
    from pipefunc import Pipeline as Pipes

    pipes = Pipes([PipeFunc(same, output_name="y", mapspec="n[i] -> y[i]")])
    items = list(range(count))

    def run_with(executor: Any) -> Callable[[], Any]:
        def run() -> Any:
            return pipes.map(
                {"n": items},
                parallel=executor is not None,
                executor=executor,
                storage="dict",
                show_progress=False,
            )

        return run

    if kind == "serial":
        return _cpu_of_all(run_with(None), count)
    make: Any = ThreadPoolExecutor if kind == "threads" else ProcessPoolExecutor
    with make(2) as pool:
        return _cpu_of_all(run_with(pool), count)


def with_joblib(count: int) -> list[float]:
    """Map with joblib, which finds the size of its batches by itself."""
    from joblib import Parallel, delayed

    with Parallel(n_jobs=2) as parallel:
        return _cpu_of_all(lambda: parallel(map(delayed(same), range(count))), count)


def _cpu_of_all(work: Callable[[], Any], count: int) -> list[float]:
    """Return what an item costs, with the time of the processes that a pool has started."""
    work()
    pids = _children()

    def sample() -> float:
        before = process_time() + sum(map(cpu_of, pids))
        work()
        return (process_time() + sum(map(cpu_of, pids)) - before) / count

    return paired(sample, one_call, 3, warm_up=False)


def _children() -> Sequence[int]:
    """Return the processes that this one has started, on Linux."""
    found = []
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/children", encoding="ascii") as file:
            found += [int(pid) for pid in file.read().split()]
    return found
