from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from pypedream.store import code_identity, fingerprint
from pypedream.store.identity import changes, stage_identity
from pypedream.store.values import hash_value
from pypedream.store.walk import Walk

Write = Callable[[str, str], ModuleType]

ETL = """
    import json
    from functools import partial
    RATE = 2

    def clean_dates(row):
        return row * RATE

    class Model:
        size = 1
        def fit(self, row):
            return clean_dates(row)

    def make(limit):
        def clean(rows, first=0, *, last=None):
            return [Model().fit(row) for row in rows if row < limit]
        return clean

    clean = make(3)
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a module to a file and import it anew."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    written = set()

    def write(name: str, text: str) -> ModuleType:
        (tmp_path / f"{name}.py").write_text(dedent(text))
        written.add(name)
        sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_parts_have_names(write: Write) -> None:
    """Each thing that counts is a part of its own, called by what its user calls it."""
    identity = code_identity(write("etl", ETL).clean)

    assert set(identity.parts) == {
        "function clean",
        "default of first in clean",
        "default of last in clean",
        "captured value limit in clean",
        "class Model",
        "fields of Model",
        "class Model.fit",
        "constant Model.size",
        "helper etl.clean_dates",
        "constant etl.RATE",
    }
    assert all(len(digest) == 64 for digest in [identity.digest, *identity.parts.values()])


EDITS = {
    "function": ("row < limit", "row > limit", ["function clean (etl.py:15) changed"]),
    "helper": ("row * RATE", "row + RATE", ["helper clean_dates (etl.py:6) changed"]),
    "constant": ("RATE = 2", "RATE = 3", ["constant etl.RATE 2 -> 3"]),
    "captured": ("make(3)", "make(4)", ["captured value limit in clean 3 -> 4"]),
    "default": ("first=0", "first=1", ["default of first in clean 0 -> 1"]),
    "method": (
        "clean_dates(row)\n",
        "-clean_dates(row)\n",
        ["class Model.fit (etl.py:11) changed"],
    ),
    "class": ("size = 1", "size = 2", ["constant Model.size 1 -> 2"]),
    "nothing": ("RATE = 2", "RATE = 2  # percent\n\n", []),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_change_is_named(write: Write, name: str) -> None:
    """A message says which part has changed and where it is now."""
    old, new, expected = EDITS[name]
    before = code_identity(write("etl", ETL).clean)

    after = code_identity(write("etl", ETL.replace(old, new)).clean)

    assert changes(before, after) == expected
    assert (before == after) == (not expected)


def test_what_appears_and_what_goes_is_named(write: Write) -> None:
    """A helper that is used now, and one that is not any more, are named."""
    text = "def f(a):\n    return a\ndef g(a):\n    return -a\ndef stage(a):\n    return f(a)"
    before = code_identity(write("etl", text).stage)

    after = code_identity(write("etl", text.replace("return f(", "return g(")).stage)

    assert changes(before, after) == [
        "function stage (etl.py:5) changed",
        "helper g (etl.py:3) added",
        "helper f (etl.py:1) removed",
    ]


def test_a_new_version_of_a_package_is_named(tmp_path: Path, write: Write) -> None:
    """An installed package counts by its version and is not read."""
    np = pytest.importorskip("numpy")
    identity = code_identity(write("etl", "import numpy as np\ndef f(a):\n    return np.sum(a)").f)
    version = f"package numpy: {np.__version__}"

    assert set(identity.parts) == {"function f", version}
    parts = {"package numpy: 0.1" if name == version else name: "" for name in identity.parts}
    older = type(identity)("other", {**identity.parts, **parts})
    assert f"package numpy: 0.1 is now {np.__version__}" in changes(older, identity)


def test_the_loaded_code_counts_and_not_its_file(write: Write, tmp_path: Path) -> None:
    """A file that is edited after it was imported, or is gone, changes nothing."""
    module = write("etl", ETL)
    before = code_identity(module.clean)

    (tmp_path / "etl.py").write_text(dedent(ETL).replace("RATE = 2", "RATE = 3"))
    assert code_identity(module.clean) == before
    (tmp_path / "etl.py").unlink()
    assert code_identity(module.clean) == before
    assert code_identity(write("etl", ETL.replace("RATE = 2", "RATE = 3")).clean) != before


def test_code_that_is_changed_back_is_what_it_was(write: Write) -> None:
    """A, then B, then A again gives the first digest again."""
    first = code_identity(write("etl", ETL).clean)
    second = code_identity(write("etl", ETL.replace("row < limit", "row > limit")).clean)

    assert code_identity(write("etl", ETL).clean) == first != second


def test_the_name_of_the_module_does_not_count(write: Write) -> None:
    """Code that is moved to another file is the same code."""
    assert code_identity(write("etl", ETL).clean) == code_identity(write("other", ETL).clean)


LAYERS = """
import attrs, contextlib
@attrs.define
class Row:
    x: int
@contextlib.contextmanager
def opened():
    yield Row(1)
def clean():
    with opened() as row:
        return row
"""


def test_what_a_library_adds_is_not_of_the_users_module(write: Write) -> None:
    """A method that attrs adds, or a layer around a function, says that it is."""
    assert code_identity(write("etl", LAYERS).clean) == code_identity(write("other", LAYERS).clean)


def test_a_class_of_attrs_is_what_it_was_after_others_are_made(write: Write) -> None:
    """Since Python 3.13 attrs adds one function to all classes, renamed after the last of them."""
    module = write("etl", LAYERS)
    before = Walk()
    before.run(module.clean)
    write("other", LAYERS.replace("Row", "Column"))
    after = Walk()
    after.run(module.clean)

    assert after.digest() == before.digest()


def test_it_does_not_count_in_which_cell_a_module_was_imported() -> None:
    """Python prepares a call of ``math.floor`` otherwise where the import is in the same text."""
    text = "def stage(row):\n    return math.floor(row) + math.gcd(math.floor(row), 3)"
    together: dict[str, Any] = {"__name__": "__main__"}
    apart: dict[str, Any] = {"__name__": "__main__"}
    exec(f"import math\n{text}", together)
    exec("import math", apart)

    exec(text, apart)

    assert fingerprint(apart["stage"]) == fingerprint(together["stage"])


def test_a_method_that_is_called_is_not_one_that_is_passed_on() -> None:
    """However a call is prepared, what is called with what counts."""
    texts = ("f(a.b(c))", "f(a.b, c)", "f(a).b(c)", "(f, a.b(c))", "(f(a.b), c)")
    namespace: dict[str, Any] = {}
    for number, text in enumerate(texts):
        exec(f"def stage_{number}(f, a, c): return {text}", namespace)

    found = {fingerprint(namespace[f"stage_{number}"]) for number in range(len(texts))}

    assert len(found) == len(texts)


def test_text_that_was_run_has_an_identity() -> None:
    """A function needs neither a file nor a module."""
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    exec("RATE = 1\ndef stage(a):\n    return a * RATE", first)
    exec("RATE = 2\ndef stage(a):\n    return a * RATE", second)

    assert first.get("__name__") is None
    assert changes(code_identity(first["stage"]), code_identity(second["stage"])) == [
        "constant RATE 1 -> 2"
    ]


def test_a_circle_of_modules_functions_and_tables_ends(write: Write) -> None:
    """Functions that call each other through tables and objects have an identity."""
    handlers = "\n".join(f"@add\ndef h{n}(a):\n    return run(a) + {n}" for n in range(30))
    text = f"""TABLE = {{}}
def add(f):
    TABLE[f.__name__] = f
    return f
def run(a):
    return TABLE[a[0]](a[1:])
{handlers}
class Node:
    def __init__(self):
        self.parent = self
        self.call = run
node = Node()
def stage(a):
    return run(a), node, stage
"""
    before = code_identity(write("etl", text).stage)

    after = code_identity(write("etl", text.replace("run(a) + 7", "run(a) + 70")).stage)

    assert changes(before, after) == ["helper h7 (etl.py:28) changed"]


def test_running_a_function_does_not_change_its_identity(write: Write) -> None:
    """Python rewrites the code of functions that are called often; that does not count."""
    stage = write("etl", ETL).clean
    before = code_identity(stage)

    for _ in range(1000):
        stage([1, 2])

    assert code_identity(stage) == before


def test_objects_of_libraries_do_not_break_an_identity(write: Write) -> None:
    """Locks, files, loggers and modules are known by their type."""
    text = """
    import logging, threading, sys, re
    LOG, LOCK, OUT, NOTE = logging.getLogger("x"), threading.Lock(), sys.stdout, [threading.Lock()]
    def stage():
        return LOG, LOCK, OUT, NOTE, re, missing
    """

    assert code_identity(write("etl", text).stage) == code_identity(write("etl", text).stage)


def test_a_lazily_imported_module_counts_before_and_after_its_import(write: Write) -> None:
    """Whether a module was imported already makes no difference."""
    write("lazy", "def f(a):\n    return a")
    stage = write("etl", "def stage(a):\n    from lazy import f\n    return f(a)").stage
    del sys.modules["lazy"]

    first = code_identity(stage)
    assert code_identity(stage) == first
    assert "helper lazy.f" in first.parts
    write("lazy", "def f(a):\n    return -a")
    assert changes(first, code_identity(stage)) == ["helper f (lazy.py:1) changed"]


def test_a_missing_module_is_no_obstacle(write: Write) -> None:
    """An import that fails when the function is called does not fail before."""
    stage = write("etl", "def stage(a):\n    import not_there\n    return not_there.f(a)").stage

    assert set(code_identity(stage).parts) == {"function stage"}


@pytest.mark.parametrize("function", [len, json.dumps, "".join, dict.get, int, partial(max, 1)])
def test_functions_of_libraries_have_an_identity(function: Any) -> None:
    """What is not written by the user is told apart by its name."""
    assert fingerprint(function) == fingerprint(function)
    assert fingerprint(function) != fingerprint(print)


def test_a_fingerprint_is_of_a_function_or_a_value() -> None:
    """Functions count by their code, everything else by its content."""

    def stage(rows: Any) -> Any:
        return rows

    assert fingerprint(stage) == code_identity(stage).digest
    assert fingerprint([1]) == hash_value([1])
    assert fingerprint([stage]) == fingerprint([lambda rows: rows])


def one(rows: Any) -> Any:
    return rows


def two(rows: Any) -> Any:
    return [*rows]


def test_a_version_stands_for_the_code(write: Write) -> None:
    """With a version, changes of the code do not count; another version does."""
    old, new = write("etl", ETL).clean, write("etl", ETL.replace("RATE = 2", "RATE = 3")).clean

    first = stage_identity(old, version="1")
    assert stage_identity(new, version="1") == first
    assert stage_identity(new, version="2") != first
    assert stage_identity(one, version="1") != stage_identity(two, version="1")
    assert changes(first, stage_identity(new, version="2")) == ["version of clean changed"]


def test_functions_modules_and_paths_can_be_added(write: Write, tmp_path: Path) -> None:
    """A stage may depend on what its code does not name."""
    path = tmp_path / "data" / "a.csv"
    path.parent.mkdir()
    path.write_text("1")
    given = [two, write("etl", ETL), "data/a.csv", path.parent]
    identities = [stage_identity(one, depends_on=[each]) for each in given]
    module = write("etl", ETL.replace("RATE = 2", "RATE = 3"))
    path.write_text("2")

    assert len({identity.digest for identity in [*identities, stage_identity(one)]}) == 5
    assert changes(identities[1], stage_identity(one, depends_on=[module])) == [
        "constant etl.RATE 2 -> 3"
    ]
    assert changes(identities[2], stage_identity(one, depends_on=["data/a.csv"])) == [
        "file data/a.csv changed"
    ]
    assert identities[3] != stage_identity(one, depends_on=[path.parent])
    with pytest.raises(FileNotFoundError, match="missing"):
        stage_identity(one, depends_on=["missing"])


def test_variables_of_the_environment_count_by_value() -> None:
    """Their values are hashed, told apart from none at all, and nowhere to be read."""
    values: list[dict[str, str]] = [{"TOKEN": "hunter2"}, {"TOKEN": "other"}, {"TOKEN": ""}, {}]
    found = [stage_identity(one, env=["TOKEN"], environ=value) for value in values]

    assert len({identity.digest for identity in found}) == 4
    assert changes(found[0], found[1]) == ["environment TOKEN changed"]
    assert "hunter2" not in repr((found[0].parts, found[0].shown))
    assert stage_identity(one, environ={"TOKEN": "x"}) == stage_identity(one)


def test_a_stage_reads_the_real_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without another one, it is that of the process."""
    monkeypatch.setitem(os.environ, "RATE", "1")
    first = stage_identity(one, env=["RATE"])
    monkeypatch.setitem(os.environ, "RATE", "2")

    assert stage_identity(one, env=["RATE"]) != first
