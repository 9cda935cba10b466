"""A store beside what one would write by hand: what is large, frames, and many small values.

These are seconds of the clock and not of the processor, because a disk is at work; they were
measured in turns all the same. What is written by hand is as durable as the content of a store: a
file of another name, flushed, synced, renamed, and its folder synced.
"""

from __future__ import annotations

import json
import os
import pickle
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import LIMIT_S, Row, apart, is_installed, paired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream.store import CacheStore

MANY = 10_000


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure everything, each figure in a process of its own."""
    samples = 3 if quick else 9
    if is_installed("numpy"):
        yield from apart(array, samples, 100_000 if quick else 12_500_000)
    if is_installed("pandas") and is_installed("pyarrow"):
        yield from apart(frame, samples, 10_000 if quick else 1_000_000)
    count = MANY // 20 if quick else MANY
    if is_installed("diskcache"):
        ended = apart(numbers, samples, count, limit_s=LIMIT_S)
        yield from ended or [Row(f"{count:,} whole numbers: put", "x diskcache", [], 0.1)]
    yield from apart(texts, samples, count)


def array(samples: int, length: int) -> list[Row]:
    """Measure one array; each get but the first finds a file that this process has verified."""
    import numpy

    from pypedream.store import contents

    value = numpy.random.default_rng(0).random(length)
    of = f"array of {value.nbytes / 1e6:,.0f} MB: "
    with TemporaryDirectory() as folder:
        path, store = Path(folder, "value.npy"), opened(folder)

        def save() -> None:
            save_durably(path, lambda file: numpy.save(file, value))

        def load_and_hash() -> None:
            with path.open("rb") as file:
                sha256(file.read()).hexdigest()
            numpy.load(path)

        def get_first() -> Any:
            contents._verified.clear()
            return store.get("value")

        def get_mapped() -> Any:
            return store.get("value", load_kwargs={"mmap_mode": "r"})

        put = timed(lambda: store.put("value", value), save, samples)
        get = timed(lambda: store.get("value"), lambda: numpy.load(path), samples)
        mapped = timed(get_mapped, lambda: numpy.load(path), samples)
        first = timed(get_first, load_and_hash, samples)
        assert (get_mapped() == value).all()
        assert (store["value"] == value).all()
    return [
        Row(f"{of}put", "x np.save, as durable", put, 1.2),
        Row(f"{of}get", "x np.load", get, 1.2),
        Row(f"{of}get, mapped", "x np.load", mapped, 0.3),
        Row(f"{of}get, the first in a process", "x np.load and SHA-256", first, 1.2),
    ]


def frame(samples: int, length: int) -> list[Row]:
    """Measure a frame of floats, whole numbers and text."""
    import numpy
    import pandas

    random = numpy.random.default_rng(0)
    whole = random.integers(0, 1000, length)
    value = pandas.DataFrame({"a": random.random(length), "b": whole, "c": whole.astype(str)})
    of = f"frame of {length:,} rows: "
    with TemporaryDirectory() as folder:
        path, store = Path(folder, "value.pickle"), opened(folder)

        def save() -> None:
            save_durably(path, lambda file: pickle.dump(value, file, protocol=5))

        def load() -> Any:
            with path.open("rb") as file:
                return pickle.load(file)

        def load_and_hash() -> Any:
            with path.open("rb") as file:
                sha256(file.read()).hexdigest()
            return load()

        put = timed(lambda: store.put("value", value), save, samples)
        get = timed(lambda: store.get("value"), load, samples)
        verified = timed(lambda: store.get("value"), load_and_hash, samples)
        pandas.testing.assert_frame_equal(store["value"], value)
    return [
        Row(f"{of}put", "x pickle, as durable", put, 1.5),
        Row(f"{of}get", "x pickle", get, 1.5),
        Row(f"{of}get", "x pickle and SHA-256", verified),
    ]


def numbers(samples: int, count: int) -> list[Row]:
    """Measure small whole numbers beside diskcache, which is one SQLite file as well."""
    import diskcache

    keys = [f"k{number}" for number in range(count)]
    of = f"{count:,} whole numbers: "
    with TemporaryDirectory() as folder, diskcache.Cache(f"{folder}/peer") as peer:
        store = opened(folder)

        def put_in_batch() -> None:
            with store.batch():
                put_all(store)

        def set_in_transaction() -> None:
            with peer.transact():
                put_all(peer)

        def put_all(target: Any) -> None:
            for number, key in enumerate(keys):
                target[key] = number

        def get_all(source: Any) -> None:
            for key in keys:
                source[key]

        put = timed(lambda: put_all(store), lambda: put_all(peer), samples)
        batch = timed(put_in_batch, set_in_transaction, samples)
        get = timed(lambda: get_all(store), lambda: get_all(peer), samples)
        assert [store[key] for key in keys] == [peer[key] for key in keys] == list(range(count))
    return [
        Row(f"{of}put", "x diskcache", put, 0.1),
        Row(f"{of}put, in a batch", "x diskcache, in a transaction", batch),
        Row(f"{of}get", "x diskcache", get, 0.1),
    ]


def texts(samples: int, count: int) -> list[Row]:
    """Measure reading texts of 200 letters, beside one file that holds all of them."""
    values = {f"k{number}": f"{number:0200}" for number in range(count)}
    of = f"{count:,} texts of 200 B: "
    with TemporaryDirectory() as folder:
        path, store = Path(folder, "values.json"), opened(folder)
        path.write_text(json.dumps(values), encoding="utf-8")
        with store.batch():
            for key, value in values.items():
                store[key] = value

        def read() -> dict[str, str]:
            with path.open(encoding="utf-8") as file:
                found = json.load(file)
            return {key: found[key] for key in values}

        def get_each() -> dict[str, str]:
            return {key: store[key] for key in values}

        together = timed(lambda: store.get_many(values), read, samples)
        each = timed(get_each, read, samples)
        assert store.get_many(values) == get_each() == read() == values
    return [
        Row(f"{of}get_many", "x one JSON file", together, 5),
        Row(f"{of}get, one by one", "x one JSON file", each, 5),
    ]


def opened(folder: str) -> CacheStore:
    """Return a new store that replaces what is there, as saving to a file does."""
    from pypedream.store import CacheStore

    return CacheStore(f"{folder}/store", on_duplicate_key="overwrite")


def save_durably(path: Path, write: Callable[[Any], object]) -> None:
    """Write a file so that it is whole or not there, whatever happens."""
    beside = path.with_name(f"{path.name}.tmp")
    with beside.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    if os.name != "nt":
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def timed(work: Callable[[], object], unit: Callable[[], object], samples: int) -> list[float]:
    """Return the seconds of *work* as multiples of those of *unit*."""
    return paired(lambda: wall_s(work), lambda: wall_s(unit), samples)


def wall_s(work: Callable[[], object]) -> float:
    """Return the seconds that *work* takes."""
    start = perf_counter()
    work()
    return perf_counter() - start
