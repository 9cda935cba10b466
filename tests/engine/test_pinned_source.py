"""Tests of failed calls whose functions are written in a notebook or inside another function."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMPORTS = """
    import os.path
    import xml.etree.ElementTree
    from collections import Counter
    from dataclasses import dataclass
    from datetime import datetime
    from functools import lru_cache, partial

    import numpy as np
    import wages.rates
    import wages.rates as wage_rates
    from wages import scaled, Scale
    from pypedream import Parameters, Pipeline, Secret

    def pipeline(**parameters):
        return Pipeline("notebook", Parameters.define(**parameters), progress=False)
"""
CELLS = {
    "plain": """
        flow = pipeline(year=1980)

        @flow.stage
        def load():
            return {1959: 315.98}

        @flow.stage(retries=0)
        def growth(load, year):
            return load[year]
    """,
    "uses": """
        BASE = 1959
        WEIGHTS = np.arange(3.0)
        started = datetime(2026, 1, 1)
        flow = pipeline(year=1980)

        @lru_cache
        def slow(x):
            return x if x < 3 else again(x)

        def again(x):
            # a comment stays
            return slow(x - 1)

        class Model:
            def __init__(self, rate):
                self.rate = rate

            def apply(self, x):
                return again(x) * self.rate

        @flow.stage
        def growth(year, start=BASE):
            xml.etree.ElementTree.fromstring("<a/>")
            assert os.path.basename("a/b") == "b" and Counter([1])[1] == 1
            assert started == datetime(2026, 1, 1)
            assert wages.rates.LOW == wage_rates.LOW
            assert WEIGHTS.sum() == 3 and Model(2).apply(5) == 4 and scaled(2) == Scale(2).twice()
            return {start: 1}[year]
    """,
    "inner": """
        flow = pipeline(year=1980)

        def selects(key):
            def inner(year):
                return {year: 1}[key]
            return inner

        flow.stage(selects(1981))
    """,
    "partial": """
        flow = pipeline(year=1980)

        def scales(factor, year):
            return 1 / (year - 1980)

        flow.stage(partial(scales, 3), name="scales")
    """,
    "named_like_a_test": """
        flow = pipeline(year=1980)

        @flow.stage
        def test_set(year):
            return [][year]
    """,
    "asynchronous": """
        flow = pipeline(year=1980)

        @flow.stage
        async def waits(year):
            return {}[year]
    """,
    "pipeline": """
        flow = pipeline()

        @flow.stage
        def recursive():
            return flow.last_run[3]
    """,
    "cell_class": """
        flow = pipeline()

        class Row:
            pass

        @flow.stage
        def rows():
            return [Row()]

        @flow.stage
        def growth(rows):
            return rows[3]
    """,
    "secret": """
        flow = pipeline()
        TOKEN = Secret("abcd-1234")

        @flow.stage
        def connect():
            raise ValueError("refused: " + TOKEN.reveal())
    """,
    "without_source": """
        flow = pipeline()
        exec("def typed(): return [][0]")
        flow.stage(typed)
    """,
}
WAGES = """
class Scale:
    def __init__(self, n):
        self.n = n
    def twice(self):
        return 2 * self.n

def scaled(n):
    return 2 * n
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The folder of a notebook in which each cell failed, and what writing its test said."""
    pytest.importorskip("IPython")
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "wages").mkdir()
    (folder / "wages" / "__init__.py").write_text(WAGES, encoding="utf-8")
    (folder / "wages" / "rates.py").write_text("LOW = 3\n", encoding="utf-8")
    cells = {name: textwrap.dedent(cell).strip() for name, cell in CELLS.items()}
    code = f"""
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance(colors="nocolor")
        shell.run_cell({textwrap.dedent(IMPORTS)!r}, store_history=True).raise_error()
        for name, cell in {cells!r}.items():
            shell.run_cell(cell, store_history=True).raise_error()
            shell.run_cell("failure = flow.run(on_error='continue').failure").raise_error()
            done = shell.user_ns["failure"]
            try:
                print("===", name, done.to_test(f"test_{{name}}.py"))
            except ValueError as error:
                print("===", name, error)
    """
    done = subprocess.run(
        [sys.executable, "-B", "-W", "ignore", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, dict(re.findall(r"^=== (\w+) (.*)$", done.stdout, re.MULTILINE))


@pytest.fixture(scope="module")
def outcomes(notebook, tmp_path_factory) -> dict[str, str]:
    """What pytest says of each test that was written."""
    folder, _ = notebook
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "--tb=line", str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    found = re.findall(r"^\S*test_(\w+)\.py:\d+: (.*)$", done.stdout, re.MULTILINE)
    assert f"{len(found)} failed" in done.stdout, done.stdout
    return dict(found)


@pytest.mark.parametrize(
    "name, error",
    [
        ("plain", "KeyError: 1980"),
        ("uses", "KeyError: 1980"),
        ("inner", "KeyError: 1981"),
        ("partial", "ZeroDivisionError: division by zero"),
        ("named_like_a_test", "IndexError: list index out of range"),
        ("asynchronous", "KeyError: 1980"),
    ],
)
def test_a_function_of_a_notebook_is_copied_with_what_it_needs(outcomes, name, error):
    """The test raises in another process what the cell raised."""
    assert outcomes[name] == error


def test_the_copy_has_no_more_than_the_function_refers_to(notebook):
    """Decorators of the pipeline go, the code stays as it was typed."""
    folder, _ = notebook

    assert (folder / "test_plain.py").read_text(encoding="utf-8") == textwrap.dedent(
        '''\
        """The call of stage "growth" that failed with KeyError: 1980.

        load <- stage "load"
        year <- parameter "year" (default)
        """


        def growth(load, year):
            return load[year]


        def test_growth_does_not_raise_key_error():
            # to go on: fix the copy above, then take it over to where it comes from
            growth(load={1959: 315.98}, year=1980)
        '''
    )


def test_helpers_constants_and_imports_come_along(notebook):
    """Each is there once, before what uses it; arrays are files."""
    folder, _ = notebook
    text = (folder / "test_uses.py").read_text(encoding="utf-8")

    for line in [
        "import xml.etree.ElementTree",
        "from datetime import datetime",
        "sys.path.insert(0, str(Path(__file__).parent))",
        "import wages.rates\nimport wages.rates as wage_rates\nfrom wages import Scale, scaled",
        "BASE = 1959",
        'WEIGHTS = formats.get("npy").load(INPUTS / "WEIGHTS.npy")',
        'started = formats.get("pickle").load(INPUTS / "started.pickle")',
        "    # a comment stays",
        "@lru_cache",
    ]:
        assert text.count(f"\n{line}\n") == 1, line


def test_the_test_passes_once_the_copy_is_fixed(notebook, tmp_path):
    """The copy is the function: it is fixed in the file."""
    folder, _ = notebook
    text = (folder / "test_plain.py").read_text(encoding="utf-8")
    file = tmp_path / "test_fixed.py"
    file.write_text(text.replace("load[year]", "load.get(year)"), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        check=False,
    )

    assert "1 passed" in done.stdout


@pytest.mark.parametrize(
    "name, message",
    [
        ("pipeline", '"recursive" uses the pipeline "flow" itself: move the function to the top'),
        ("cell_class", 'argument "rows" is made with "Row", which is defined in a notebook or'),
        (
            "without_source",
            'the source of "typed" is not known: move the function to the top of a module',
        ),
    ],
)
def test_what_cannot_be_copied_is_refused(notebook, name, message):
    """One line says what and the way out, and nothing is written."""
    folder, said = notebook

    assert message in said[name]
    assert not list(folder.glob(f"test_{name}*"))


def test_a_secret_of_the_notebook_is_read_from_the_environment(notebook):
    """A secret that a cell made is not in the file either, nor in what the error said."""
    folder, _ = notebook
    text = (folder / "test_secret.py").read_text(encoding="utf-8")

    assert "abcd" not in text
    assert 'reason="set SECRET_TOKEN: a secret is not written down"' in text
