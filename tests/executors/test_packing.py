from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from pypedream.errors import UnpicklableValue
from pypedream.executors.jobs import Job, Kit
from pypedream.executors.packing import LARGE, pack, pack_result
from tests.executors.stages import add


def test_what_has_a_name_goes_by_its_name() -> None:
    """A function of a module is not taken along, only named."""
    packed = Kit(add, stage="add").pack()

    assert packed.value().function is add
    assert len(packed.data) < 1000


def test_a_lambda_goes_as_a_whole() -> None:
    """A function without a name of its own needs cloudpickle, and then travels."""
    pytest.importorskip("cloudpickle")
    offset = 3

    packed = Kit(lambda a: a + offset, stage="add").pack()

    assert packed.value().function(4) == 7


def test_context_variables_go_by_their_names() -> None:
    """A function of a notebook may use ``PARAMETERS`` that it imported by name."""
    pytest.importorskip("cloudpickle")
    from pypedream.context import PARAMETERS

    packed = Kit(lambda: PARAMETERS, stage="x").pack()

    assert packed.value().function() is PARAMETERS


def test_large_buffers_stay_outside_of_the_pickle() -> None:
    """An array of a megabyte or more is not copied when it is packed."""
    numpy = pytest.importorskip("numpy")
    large, small = numpy.zeros(LARGE // 8), numpy.zeros(10)

    packed = pack({"large": large, "small": small}, of="", part="")

    assert len(packed.data) < 1000
    assert [buffer.raw().nbytes for buffer in packed.buffers] == [LARGE]
    assert numpy.shares_memory(packed.value()["large"], large)


@pytest.mark.parametrize("protocol", [4, 5])
def test_a_job_can_be_pickled_with_its_buffers(protocol: int) -> None:
    """Whatever pickles a job, it arrives whole, and its arrays can be changed."""
    numpy = pytest.importorskip("numpy")
    kit = Kit(add, {"a": numpy.ones(LARGE // 8)}, ("b",), stage="add")
    job = Job(kit.pack(), ["k1", "k2"], [(1,), (2,)], {"cpus": 2}, "a.jsonl")

    arrived = pickle.loads(pickle.dumps(job, protocol))

    values = arrived.packed.value().common["a"]
    values[0] = 5
    assert (arrived.keys, [*arrived.calls]) == (["k1", "k2"], [(1,), (2,)])
    assert (arrived.resources, arrived.segment) == ({"cpus": 2}, "a.jsonl")
    assert values.sum() == LARGE // 8 + 4


CASES: list[Any] = [
    pytest.param({"lock": Lock()}, 'its argument "lock" is of type _thread.lock', id="lock"),
    pytest.param({"rows": (n for n in [1])}, 'its argument "rows" is of type generator', id="rows"),
    pytest.param(
        {"config": {"db": [1, Lock()]}},
        "its argument \"config\"['db'][1] is of type _thread.lock",
        id="nested",
    ),
]


@pytest.mark.parametrize("common, said", CASES)
def test_what_cannot_be_pickled_is_named(common: dict[str, Any], said: str) -> None:
    """One line says which argument of which stage, of what type, and what to do."""
    with pytest.raises(UnpicklableValue) as caught:
        Kit(add, common, stage="load").pack()

    text = str(caught.value)
    assert text.startswith(f'stage "load": {said}, which cannot be sent to another process (')
    assert text.endswith('): make it inside the stage, or give the stage executor="threads"')
    assert "\n" not in text


def test_what_a_function_refers_to_is_named() -> None:
    """By the name that it has there, also through a helper."""
    pytest.importorskip("cloudpickle")
    config = {"lock": Lock()}

    def helper() -> object:
        return config["lock"]

    def stage() -> object:
        return helper()

    with pytest.raises(UnpicklableValue) as caught:
        Kit(stage, {}, stage="load").pack()

    said = "its function's \"helper\"'s \"config\"['lock'] is of type _thread.lock"
    assert str(caught.value).startswith(f'stage "load": {said}, which cannot be sent')


def test_an_open_file_is_named() -> None:
    """A file cannot be sent."""
    with open(__file__) as file, pytest.raises(UnpicklableValue, match=r'"file" is of type _io\.'):
        Kit(add, {"file": file}, stage="load").pack()


def test_a_result_that_cannot_be_pickled_is_named() -> None:
    """The line says that it is the result, and its type."""
    with pytest.raises(
        UnpicklableValue, match=r'stage "load": its result is of type _thread\.lock'
    ):
        pack_result(Lock(), of='stage "load"')


WITHOUT = """
import sys
sys.modules["cloudpickle"] = None
from pypedream.executors.jobs import Kit
from pypedream.errors import PypedreamError
from threading import Lock
def stage(): pass
def make():
    def inner(): pass
    return inner
for function, common in [
    (stage, {}), (lambda: 1, {}), (make(), {}), (len, {"a": stage}), (len, {"a": Lock()}),
    (len, {"a": "a text with __main__"}),
]:
    try:
        print(Kit(function, common, stage="x").pack().value().common)
    except PypedreamError as error:
        print(type(error).__name__, error)
"""


def test_without_cloudpickle_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    """What has to go as a whole needs the extra; anything else does not."""
    script = tmp_path / "script.py"
    script.write_text(WITHOUT)

    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, encoding="utf-8", check=True
    )

    how = (
        ': to call it in another process needs cloudpickle: pip install "pypedream[cluster]"'
        "  or  conda install -c conda-forge cloudpickle"
    )
    lines = done.stdout.splitlines()
    assert lines[0] == f'MissingExtra stage "x" is defined in __main__{how}'
    assert lines[1] == f'MissingExtra stage "x" is a lambda{how}'
    assert lines[2] == f'MissingExtra stage "x" is defined within a function{how}'
    assert lines[3].startswith('MissingExtra stage "x" takes or gives what is defined in __main__')
    assert lines[4].startswith('UnpicklableValue stage "x": its argument "a" is of type')
    assert lines[5] == "{'a': 'a text with __main__'}"


def test_a_module_that_cannot_be_imported_goes_as_a_whole(tmp_path: Path) -> None:
    """A file that was loaded under a name of its own is unknown to another process."""
    pytest.importorskip("cloudpickle")
    from importlib.util import module_from_spec, spec_from_file_location

    file = tmp_path / "flow.py"
    file.write_text(
        "FACTOR = 3\ndef times(a): return helper(a)\ndef helper(a): return a * FACTOR\n"
    )
    spec = spec_from_file_location("pypedream_file_flow", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["pypedream_file_flow"] = module
    spec.loader.exec_module(module)

    try:
        data = Kit(module.times, stage="times").pack().data
    finally:
        del sys.modules["pypedream_file_flow"]

    assert pickle.loads(data).function(4) == 12
