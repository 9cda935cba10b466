from __future__ import annotations

from textwrap import dedent
from types import ModuleType

import pytest

from pypedream.store.blind_spots import blind_spots

HEAD = """
import glob, os, random, time, datetime, importlib
from os import environ
from random import shuffle
from datetime import date
from pathlib import Path
PATH = Path("a.csv")
"""
SPOTS = {
    "os.environ['x']": "reads os.environ",
    "environ.get('x')": "reads os.environ",
    "os.getenv('x')": "reads os.getenv",
    "open(a)": "opens a file with open",
    "Path(a).read_text()": "reads a file with read_text",
    "PATH.read_bytes()": "reads a file with read_bytes",
    "sorted(Path(a).glob('*.csv'))": "lists a folder with glob",
    "glob.glob(a)": "lists a folder with glob",
    "os.listdir(a)": "lists a folder with os.listdir",
    "PATH.parent.iterdir()": "lists a folder with iterdir",
    "time.time()": "reads the clock with time.time",
    "datetime.datetime.now()": "reads the clock with datetime.datetime.now",
    "date.today()": "reads the clock with datetime.date.today",
    "random.random()": "draws random numbers with random.random",
    "shuffle(a)": "draws random numbers with random.shuffle",
    "getattr(a, b)": "looks up a name with getattr",
    "getattr(a, b, 'x')": "looks up a name with getattr",
    "globals()[a]": "looks up a name with globals",
    "eval(a)": "runs text as code with eval",
    "importlib.import_module(a)": "imports a module by name with importlib.import_module",
    "[open(row) for row in a]": "opens a file with open",
}
NO_SPOTS = [
    "a + b",
    "getattr(a, 'x')",
    "getattr(a, 'x', None)",
    "getattr(a.b, 'x')",
    "time.sleep(1)",
    "random.Random(1)",
    "(random.seed(1), random.random())",
    "os.path.join(a, b)",
    "a.open",
]
INSIDE = {
    "import requests": "uses the network with requests",
    "from urllib.request import urlopen": "uses the network with urllib.request.urlopen",
    "import subprocess": "starts a program with subprocess",
}


def spots(text: str, name: str = "stage") -> list[str]:
    module = ModuleType("etl")
    exec(compile(text, "etl.py", "exec"), vars(module))
    return blind_spots(vars(module)[name])


@pytest.mark.parametrize("code", SPOTS)
def test_what_cannot_be_seen_is_named(code: str) -> None:
    """A spot says what is done, with what, and where."""
    assert spots(f"{HEAD}def stage(a, b):\n    return {code}") == [f"{SPOTS[code]} (etl.py:9)"]


@pytest.mark.parametrize("code", NO_SPOTS)
def test_what_can_be_seen_is_no_spot(code: str) -> None:
    """Nothing is said of what is a part of the code, or is always the same."""
    assert spots(f"{HEAD}def stage(a, b):\n    return {code}") == []


@pytest.mark.parametrize("line", INSIDE)
def test_imports_inside_a_function_are_seen(line: str) -> None:
    """A library that is used within the function is named where it is imported."""
    text = f"def stage(a):\n    {line}\n    return {line.rsplit(maxsplit=1)[-1]}.get(a)"

    assert spots(text) == [f"{INSIDE[line]} (etl.py:2)"]


def test_helpers_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The place is that in the helper; a helper of a library is not looked at."""
    text = dedent(
        """
        import json
        def load(a):
            return open(a)
        def stage(a):
            return json.load(load(a)), load(a)
        """
    )

    assert spots(text) == ["opens a file with open (etl.py:4)"]


def test_numpy_is_random_unless_it_has_a_seed() -> None:
    """A generator that is given a seed draws the same numbers each time."""
    pytest.importorskip("numpy")
    head = "import numpy as np\nfrom numpy.random import default_rng\ndef stage():\n    return "

    assert spots(f"{head}np.random.rand()") == [
        "draws random numbers with numpy.random.rand (etl.py:4)"
    ]
    assert spots(f"{head}default_rng()") == [
        "draws random numbers with numpy.random.default_rng (etl.py:4)"
    ]
    assert spots(f"{head}default_rng(1), np.random.default_rng(2)") == []
    assert spots(f"{head}np.random.seed(1), np.random.rand()") == []
    assert spots(f"{head}np.random.SeedSequence()") == [
        "draws random numbers with numpy.random.SeedSequence (etl.py:4)"
    ]
    assert spots(f"{head}np.random.SeedSequence(1).spawn(2)") == []
    assert spots(f"{head}np.random.Generator(np.random.PCG64(1))") == []


def test_a_table_that_is_read_is_named() -> None:
    """A file that a library reads is not seen."""
    pytest.importorskip("pandas")
    text = "import pandas as pd\ndef stage():\n    return pd.read_csv('a.csv')"

    assert spots(text) == ["reads a file with pandas.read_csv (etl.py:3)"]


def test_what_pandas_is_set_to_is_named() -> None:
    """An option may be another one the next time, and a text is more than its names."""
    pytest.importorskip("pandas")
    head = "import pandas as pd\ndef stage():\n    return "

    assert spots(f"{head}pd.get_option('display.max_rows')") == [
        "reads pandas.get_option (etl.py:3)"
    ]
    assert spots(f"{head}pd.eval('a + b')") == ["runs text as code with pandas.eval (etl.py:3)"]


OF_TEXTS = """
import math
low = 1
def h(x):
    return x
QUERY, PLAIN, FORMULA, COLUMNS = "x > @low", "x > 1", "y ~ h(x)", "y ~ x + low"
LIBRARY, UNKNOWN, PATH, MAIL = "y ~ math.sqrt(x)", "y ~ C(x)", "~/h/low", "me@low"
"""
NAMED = {
    "stage(a): a.query(QUERY)": "looks up low, named in the text QUERY (etl.py:9)",
    "stage(a, f): f(FORMULA, a)": "looks up h, named in the text FORMULA (etl.py:9)",
    "stage(a, f, text='y ~ h(x)'): f(text, a)": "looks up h, named in the text text (etl.py:8)",
    "stage(a, *, text='x*@low'): a.eval(text)": "looks up low, named in the text text (etl.py:8)",
}
NOT_NAMED = [
    "stage(a): a.query('x > 1')",
    "stage(a): a.query('x > @low')",  # it is in the code, so it counts
    "stage(a, f): f('y ~ h(x)', a)",
    "stage(a): a.query(PLAIN)",
    "stage(a, low): a.query(QUERY)",
    "stage(a, f): f(FORMULA, h(a))",
    "stage(a, f): f(COLUMNS, LIBRARY, UNKNOWN, PATH, MAIL)",
    "stage(a, f, text='y ~ x'): f(text, '~', 'a~b (c)')",
]


def of_texts(line: str) -> list[str]:
    head, _, body = line.rpartition(": ")
    return spots(f"{OF_TEXTS}def {head}:\n    return {body}")


@pytest.mark.parametrize("line", NAMED)
def test_what_a_text_names_that_is_not_in_the_code_is_named(line: str) -> None:
    """The text counts, and what a library looks up for it does not."""
    assert of_texts(line) == [NAMED[line]]


@pytest.mark.parametrize("line", NOT_NAMED)
def test_a_text_that_names_nothing_unseen_is_no_spot(line: str) -> None:
    """Nothing is said of a text in the code, whose names count, and of one without such names."""
    assert of_texts(line) == []


CHANGED = {
    "global n\n    n = a": "changes the global n (etl.py:4)",
    "calls.append(a)": "changes the global calls (etl.py:3)",
    "seen[a] = 1": "changes the global seen (etl.py:3)",
    "[seen.update(row) for row in a]": "changes the global seen (etl.py:3)",
}


@pytest.mark.parametrize("line", CHANGED)
def test_state_that_code_makes_is_named(line: str) -> None:
    """What code assigns or only fills does not count, but something may rely on it."""
    text = f"n, calls, seen = 0, [], {{}}\ndef stage(a):\n    {line}"

    assert spots(text) == [CHANGED[line]]


def test_captured_state_is_named() -> None:
    """Variables of an enclosing function are called captured."""
    text = """def make(n, rows):
    def stage(a):
        nonlocal n
        n += 1
        rows[0] = a
    return stage
stage = make(0, [1])"""

    assert spots(text) == [
        "changes the captured rows (etl.py:5)",
        "changes the captured n (etl.py:4)",
    ]


def test_what_is_filled_and_read_is_no_spot() -> None:
    """A list whose contents count is seen, also if another function reads it."""
    text = "calls = []\ndef f():\n    return calls\ndef stage(a):\n    calls.append(a)\n    f()"

    assert spots(text) == []
