"""What libraries of this kind get wrong, and steps do not."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pypedream.steps import Func, Step
from tests.executors import fake_slurm
from tests.steps.configured import Lists, Shift, Slow, noted

np = pytest.importorskip("numpy")

ROOT = Path(__file__).parents[2]
BACKENDS = [
    "Cached",
    "ThreadPool",
    "ProcessPool",
    pytest.param("LocalProcess", marks=pytest.mark.cluster),
    pytest.param("SubmititDebug", marks=pytest.mark.cluster),
    pytest.param("Auto", marks=pytest.mark.cluster),
    pytest.param("Slurm", marks=pytest.mark.cluster),
    pytest.param("Dask", marks=pytest.mark.cluster),
    pytest.param("Ray", marks=pytest.mark.cluster),
]


def cached(folder: Path, **fields: Any) -> Any:
    return {"backend": "Cached", "folder": folder, **fields}


class Echo(Step):
    def _run(self, value: Any) -> Any:
        return value


def define(source: str, module: str = "configured_by_a_test") -> Any:
    """The class that some source defines, in a module of that name."""
    scope: dict[str, Any] = {"__name__": module, "Step": Step}
    exec(compile(source, f"<{module}>", "exec"), scope)
    return scope["Changing"]


CHANGING = """
class Changing(Step):
    rate: int = {rate}
    def _run(self, value: int) -> int:
        return value * self.rate + {more}
"""


def test_code_is_a_part_of_the_key(tmp_path: Path) -> None:
    """A step whose code has changed is computed; changed back, it is found again."""
    first, second = (define(CHANGING.format(rate=2, more=more)) for more in (0, 1))

    results = [kind(infra=cached(tmp_path)).run(5) for kind in (first, second, first)]

    assert results == [10, 11, 10]
    assert first(infra=cached(tmp_path, mode="read-only")).run(5) == 10


def test_a_changed_default_is_a_part_of_the_key(tmp_path: Path) -> None:
    """As a field that is given."""
    one, two = (define(CHANGING.format(rate=rate, more=0)) for rate in (1, 2))

    assert [kind(infra=cached(tmp_path)).run(5) for kind in (one, two)] == [5, 10]


def test_a_redefined_function_is_another_step(tmp_path: Path) -> None:
    """A `Func` counts by its code, too."""

    def once() -> Any:
        def compute(x: int) -> int:
            return x + 1

        return compute

    def twice() -> Any:
        def compute(x: int) -> int:
            return x + 2

        return compute

    assert Func(function=once(), infra=cached(tmp_path)).run(1) == 2
    assert Func(function=twice(), infra=cached(tmp_path)).run(1) == 3


def test_two_classes_of_one_name_never_meet(tmp_path: Path) -> None:
    """They are told apart by their modules, also if their code is the same but for a helper."""
    source = CHANGING.format(rate=2, more=0)
    one, two = define(source, "module_one"), define(source, "module_two")
    step = one(infra=cached(tmp_path))
    step.run(5)

    assert not two(infra=cached(tmp_path)).lookup(5).cached()
    assert step.lookup(5).uid != two(infra=cached(tmp_path)).lookup(5).uid


def test_identities_have_256_bits(tmp_path: Path) -> None:
    """Arrays that meet in a shorter digest do not meet here."""
    step = Echo(infra=cached(tmp_path))
    arrays = [np.array([10_884]), np.array([59_786])]

    results = list(step.run_many(arrays))

    assert [int(each[0]) for each in results] == [10_884, 59_786]
    assert len(bytes.fromhex(step.lookup(arrays[0]).uid)) == 32


@pytest.mark.slow
@pytest.mark.slow
def test_a_million_arrays_do_not_meet() -> None:
    """Each of 1e6 small arrays has a key of its own."""
    from pypedream.steps.identity import item_identity

    step = Echo()
    numbers = np.arange(1_000_000, dtype=np.int64)

    identities = {item_identity(step, numbers[n : n + 1]) for n in range(len(numbers))}

    assert len(identities) == len(numbers)


DISTINCT = {
    "empty text": "",
    "empty list": [],
    "empty dict": {},
    "empty tuple": (),
    "empty set": set(),
    "no bytes": b"",
    "list": [1, 2],
    "tuple": (1, 2),
    "set": {1, 2},
    "int": 1,
    "float": 1.0,
    "bool": True,
    "digit": "1",
    "None": None,
    "text None": "None",
    "zeros int32": np.zeros(2, np.int32),
    "zeros float32": np.zeros(2, np.float32),
    "zeros 2 x 1": np.zeros((2, 1), np.float32),
    "objects": np.array(["a", "b"], dtype=object),
    "other objects": np.array(["a", "c"], dtype=object),
}


def test_values_of_different_types_are_different_inputs(tmp_path: Path) -> None:
    """Whatever they compare as."""
    step = Echo(infra=cached(tmp_path))

    uids = {name: step.lookup(value).uid for name, value in DISTINCT.items()}

    same = [pair for pair in combinations(uids, 2) if uids[pair[0]] == uids[pair[1]]]
    assert same == []


def test_equal_arrays_of_objects_are_one_input(tmp_path: Path) -> None:
    """Their members count, and not where these lie in memory."""
    step = Echo(infra=cached(tmp_path))
    one, other = (np.array(["".join(["a", "b"]), str(n)], dtype=object) for n in (7, 7))

    assert step.lookup(one).uid == step.lookup(other).uid


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """The name of one that is there; for Slurm commands that act as its own."""
    name: str = request.param
    if name == "Slurm":
        place = request.getfixturevalue("tmp_path") / "slurm"
        fake_slurm.install(place)
        path = f"{place}{os.pathsep}{os.environ['PATH']}"
        request.getfixturevalue("monkeypatch").setenv("PATH", path)
    elif name in MODULES:
        pytest.importorskip(MODULES[name])
    return name


MODULES = {"Dask": "distributed", "Ray": "ray", "LocalProcess": "submitit", "Auto": "submitit"}


@pytest.mark.parametrize("backend", BACKENDS, indirect=True)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_eight_processes_compute_once(tmp_path: Path, backend: str) -> None:
    """Of all that want one result one computes it, with whatever backend."""
    command = [sys.executable, "-m", "tests.steps.racing", backend, str(tmp_path), "8", "1"]
    racing = [
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(8)
    ]

    errors = [process.communicate(timeout=300)[1] for process in racing]

    assert [process.returncode for process in racing] == [0] * 8, errors
    assert noted(tmp_path / "notes") == ["1"]


@pytest.mark.parametrize("backend", BACKENDS, indirect=True)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_eight_threads_compute_once(tmp_path: Path, backend: str) -> None:
    """With one step for all of them, or one for each."""
    notes = tmp_path / "notes"
    infra = {"backend": backend, "folder": tmp_path / "kept"}
    shared = Slow(infra=infra, notes=str(notes))
    steps = [shared] * 4 + [shared.clone() for _ in range(4)]
    results: list[int] = []
    threads = [Thread(target=lambda step=step: results.append(step.run(1))) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [2] * 8
    assert noted(notes) == ["1"]


def test_threads_that_want_several_items_compute_each_once(tmp_path: Path) -> None:
    """Also when they want them in another order, with a pool each."""
    notes = tmp_path / "notes"
    infra: Any = {"backend": "ThreadPool", "folder": tmp_path / "kept"}
    results: list[list[int]] = []

    def work(values: list[int]) -> None:
        step = Slow(infra=infra, notes=str(notes), seconds=0.05)
        results.append(sorted(step.run_many(values)))

    threads = [Thread(target=work, args=(values,)) for values in ([1, 2], [2, 1], [2, 3, 1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [[2, 3], [2, 3], [2, 3, 4]]
    assert noted(notes) == ["1", "2", "3"]


def test_what_is_written_for_an_item_does_not_grow(tmp_path: Path) -> None:
    """The index is not written anew for each: the last hundred cost what the first cost."""
    step = Shift(infra=cached(tmp_path))
    sizes = []
    for start in range(0, 1_200, 100):
        before = _written()
        list(step.run_many(range(start, start + 100)))
        sizes.append(_written() - before)

    assert max(sizes[-3:]) <= 3 * max(sizes[:3])


def _written() -> int:
    """Bytes that this process has given to files."""
    stat = Path("/proc/self/io")
    if not stat.exists():
        pytest.skip("this system does not say what was written")
    return int(stat.read_text().partition("wchar: ")[2].split()[0])


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_result_is_computed_again(tmp_path: Path, damage: str) -> None:
    """It is never given to anybody; the other results stay."""
    notes = tmp_path / "notes"
    step = Large(infra=cached(tmp_path / "kept"), notes=str(notes))
    whole = [each.copy() for each in step.run_many([1, 2])]
    spoiled = 0
    for path in (tmp_path / "kept").rglob("*"):
        if path.is_file() and path.stat().st_size > 50_000 and "blobs" in path.parts:
            spoil(path, damage)
            spoiled += 1
    assert spoiled == 2

    with pytest.warns(UserWarning, match="store"):
        again = list(step.clone().run_many([1, 2]))

    assert all(np.array_equal(one, other) for one, other in zip(whole, again, strict=True))
    assert noted(notes) == ["1", "1", "2", "2"]


class Large(Shift):
    def _run(self, value: int) -> Any:
        super()._run(value)
        return np.full(20_000, value, dtype=np.float64)


def spoil(path: Path, damage: str) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    elif damage == "truncate":
        path.write_bytes(data[: len(data) // 2])
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


def test_a_damaged_index_does_not_end_the_work(tmp_path: Path) -> None:
    """It is set aside, and what it had is computed again."""
    step = Shift(infra=cached(tmp_path))
    step.run(1)
    for path in tmp_path.rglob("index.db*"):
        path.write_bytes(b"this is no index" * 100)
    code = (
        "from tests.steps.configured import Shift\n"
        f"print(Shift(infra=dict(backend='Cached', folder={str(tmp_path)!r})).run(1))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.stdout == "2\n", done.stderr


@pytest.mark.parametrize("keep_in_ram", [True, False])
def test_a_mutable_result_is_never_shared(tmp_path: Path, keep_in_ram: bool) -> None:
    """What one caller changes no other one sees."""
    step = Lists(infra=cached(tmp_path, keep_in_ram=keep_in_ram))
    for _ in range(3):
        result = step.run(1)
        assert result == [1]
        result.append(2)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no umask")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_permissions_follow_the_umask(tmp_path: Path, umask: int) -> None:
    """No file or folder is open to more people than the user's others are."""
    before = os.umask(umask)
    try:
        list(Large(infra=cached(tmp_path / "kept")).run_many([1, 2]))
    finally:
        os.umask(before)

    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "kept").rglob("*")]
    assert modes
    assert all(mode & umask == 0 for mode in modes)


def test_status_says_running(tmp_path: Path) -> None:
    """In the folder where claims are written, whoever looks."""
    step = Slow(infra=cached(tmp_path / "kept"), notes=str(tmp_path / "notes"), seconds=1)
    thread = Thread(target=step.run, args=(1,))
    thread.start()
    seen = set()
    while thread.is_alive():
        seen.add(step.clone().lookup(1).status)
    thread.join()

    assert seen >= {"running"}
    assert step.lookup(1).status == "success"
