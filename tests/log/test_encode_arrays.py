import json

import pytest

from pypedream.log.encode import MOST_TEXT, safe_encode

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")

VALUES = {
    "numpy integer": np.int64(3),
    "numpy float": np.float64(1.5),
    "numpy nan": np.float32("nan"),
    "numpy long double": np.longdouble(1.5),
    "numpy bool": np.True_,
    "numpy text": np.str_("\ud800"),
    "numpy bytes": np.bytes_(b"\xff"),
    "numpy time": np.datetime64("2026-11-21T08:00:00.123456789"),
    "numpy no time": np.datetime64("NaT", "s"),
    "numpy void": np.void(b"abc"),
    "small array": np.arange(3),
    "large array": np.zeros((1000, 1000)),
    "array of objects": np.array([object(), None], dtype=object),
    "array without dimensions": np.array(1.5),
    "frame of data": pd.DataFrame({"a": range(100_000), "b": "x"}),
    "small frame of data": pd.DataFrame({"a": [1]}),
    "series": pd.Series(range(3)),
    "index": pd.Index(["a", "b"]),
    "time stamp": pd.Timestamp("2026-11-21", tz="UTC"),
    "no time stamp": pd.NaT,
    "missing": pd.NA,
    "interval": pd.Interval(0, 1),
}


@pytest.mark.parametrize("name", VALUES)
def test_any_value_becomes_strict_json(name):
    """Numbers, arrays and tables of any kind are JSON on one line, of a bounded size."""
    text = safe_encode({"value": VALUES[name], "after": 1})

    assert json.loads(text, parse_constant=pytest.fail)["after"] == 1
    assert text.isascii()
    assert text.split("\n") == text.splitlines() == [text]
    assert len(text) < MOST_TEXT


@pytest.mark.parametrize(
    "name, expected",
    [("numpy integer", 3), ("numpy float", 1.5), ("numpy bool", True)],
)
def test_numbers_are_what_they_stand_for(name, expected):
    """Numpy's numbers are numbers, without a mark."""
    assert json.loads(safe_encode({"value": VALUES[name]})) == {"value": expected}


@pytest.mark.parametrize(
    "name, expected",
    [
        ("large array", "<ndarray of shape (1000, 1000)>"),
        ("frame of data", "<DataFrame of shape (100000, 2)>"),
        ("small array", "array([0, 1, 2])"),
        ("numpy nan", "nan"),
        ("time stamp", "2026-11-21 00:00:00+00:00"),
    ],
)
def test_tables_become_a_word_and_are_marked(name, expected):
    """A small array is shown; of a large one its shape is enough."""
    data = json.loads(safe_encode({"value": VALUES[name]}))

    assert data == {"value": expected, "coerced": True}
