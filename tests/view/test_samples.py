from __future__ import annotations

import subprocess
import sys

import pytest

from pypedream.log.redaction import Redactor
from pypedream.view.samples import Shower

plainly = Shower(lambda text: text)


def test_a_plain_value_is_one_line():
    """What is no frame is said in short."""
    sample = plainly.sample("return", {"a": [1, 2]})

    assert (sample.name, sample.text, sample.columns) == ("return", "{'a': [1, 2]}", ())


def test_an_array_is_its_type_and_shape():
    """No number of it is looked at."""
    numpy = pytest.importorskip("numpy")

    assert plainly.sample("x", numpy.zeros((3, 4))).text == "ndarray float64 (3, 4)"


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_small_frame_is_shown_whole(library):
    """Names, types and cells are those of the frame, in any library."""
    module = pytest.importorskip(library)
    make = module.table if library == "pyarrow" else module.DataFrame

    sample = plainly.sample("return", make({"name": ["a", "b"], "value": [1.5, 2.0]}))

    assert sample.columns == ("name", "value")
    assert sample.numbers == {1}
    assert len(sample.types) == 2
    assert sample.rows == (("a", "1.5"), ("b", "2"))


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_of_a_large_frame_head_and_tail_are_shown(library):
    """At most five rows and eight columns; the rest is counted."""
    module = pytest.importorskip(library)
    make = module.table if library == "pyarrow" else module.DataFrame

    sample = plainly.sample("x", make({f"c{at}": list(range(100)) for at in range(20)}))

    assert sample.columns == ("c0", "c1", "c2", "c3", "…", "c16", "c17", "c18", "c19")
    assert sample.types[4] == ""
    assert sample.rows[1] == ("1", "1", "1", "1", "…", "1", "1", "1", "1")
    assert sample.numbers == {0, 1, 2, 3, 5, 6, 7, 8}
    assert [row[0] for row in sample.rows] == ["0", "1", "2", "95 more", "98", "99"]
    assert sample.text.endswith(", 8 columns shown")


def test_a_large_value_says_what_memory_it_takes():
    """Behind its size, before what is left out."""
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")

    frame = pandas.DataFrame({f"c{at}": numpy.zeros(100_000) for at in range(20)})

    text = "DataFrame 100000 x 20, 16.0 MB, 8 columns shown"
    assert plainly.sample("x", frame).text == text
    assert plainly.sample("x", numpy.zeros(200_000)).text.endswith(", 1.6 MB")
    assert plainly.sample("x", [1, 2]).text == "[1, 2]"


def test_cells_are_cut_and_hold_no_secret():
    """A secret in a frame is hidden, and a long text is short."""
    pandas = pytest.importorskip("pandas")
    shower = Shower(Redactor(["hunter2-token"]).text)

    frame = pandas.DataFrame({"a": ["x" * 1000, "y" * 15 + "hunter2-token"], "hunter2-token": 1})
    sample = shower.sample("x", frame)

    assert len(sample.rows[0][0]) <= 24
    assert "hunter2" not in str(sample)


def test_a_frame_that_cannot_be_looked_at_is_one_line():
    """Whatever a frame's own class does, the page is shown."""
    pandas = pytest.importorskip("pandas")

    class Odd(pandas.DataFrame):
        @property
        def dtypes(self):
            raise RuntimeError("not now")

    assert plainly.sample("x", Odd({"a": [1]})).columns == ()


def test_nothing_is_imported_for_other_values():
    """To show a run without frames loads no library of frames."""
    code = (
        "import sys; from pypedream import Pipeline, view; flow = Pipeline('a');"
        "flow.stage('b')(lambda: [1]); view.to_report(flow.run());"
        "print([n for n in ('pandas', 'polars', 'numpy', 'IPython') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
