"""CSV files hold in both directions what their options say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import FormatError
from pypedream.formats import CSV

pandas = pytest.importorskip("pandas")

from hypothesis import HealthCheck, example, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

reuse = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
# what pandas takes for a missing value is the one thing that text in a CSV file cannot be
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8).map(
    "x{}".format
)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False)
ROWS = st.lists(st.tuples(NUMBERS, FLOATS, WORDS), min_size=1, max_size=5)


def same(left: Any, right: Any) -> None:
    pandas.testing.assert_frame_equal(left, right, check_exact=True)


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
@reuse
@given(rows=ROWS, names=st.lists(WORDS, min_size=3, max_size=3, unique=True))
@example(rows=[(1, 0.1, 'x"a";b,c\n\r\n\rd\t|')], names=["xa;b", 'x"c"', "xd\ne"])
def test_a_frame_comes_back_as_it_was(
    tmp_path: Path, sep: str, rows: list[Any], names: list[str]
) -> None:
    """load(save(x)) == x, whatever separators, quotes and ends of lines are in text and names."""
    frame = pandas.DataFrame(rows, columns=names).astype({names[1]: "float64", names[2]: "str"})
    frame = frame.astype({names[0]: "int64"})
    loader = CSV(sep=sep, dtype=dict(frame.dtypes))
    loader.save(frame, tmp_path / "x.csv")

    same(loader.load(tmp_path / "x.csv"), frame)


@reuse
@given(rows=ROWS, name=WORDS)
def test_an_index_that_is_named_comes_back(tmp_path: Path, rows: list[Any], name: str) -> None:
    """index_col says which column is the index, when saving as well."""
    frame = pandas.DataFrame(rows, columns=["a", "b", "c"]).set_index("c").rename_axis(name)
    loader = CSV(index_col=name, dtype={name: "str", "a": "int64", "b": "float64"})
    frame = frame.astype({"a": "int64", "b": "float64"})
    frame.index = frame.index.astype("str")
    loader.save(frame, tmp_path / "x.csv")

    same(loader.load(tmp_path / "x.csv"), frame)


def test_the_separator_holds_in_both_directions(tmp_path: Path) -> None:
    """The file itself has the separator that was asked for."""
    CSV(sep=";").save(pandas.DataFrame({"a": [1], "b": ["x;y"]}), tmp_path / "x.csv")

    assert (tmp_path / "x.csv").read_bytes() == b'a;b\n1;"x;y"\n'


def test_without_index_col_the_index_is_not_written(tmp_path: Path) -> None:
    """Rows that were left out leave no column of numbers behind."""
    frame = pandas.DataFrame({"a": [1.0, None, 3.0]}).dropna()
    CSV().save(frame, tmp_path / "x.csv")

    same(CSV().load(tmp_path / "x.csv"), frame.reset_index(drop=True))


def test_an_index_without_name_gets_the_one_of_index_col(tmp_path: Path) -> None:
    """What was written with index_col="id" is read with it."""
    CSV(index_col="id").save(pandas.DataFrame({"a": [1, 2]}, index=[5, 6]), tmp_path / "x.csv")

    expected = pandas.DataFrame({"a": [1, 2]}, index=pandas.Index([5, 6], name="id"))
    same(CSV(index_col="id").load(tmp_path / "x.csv"), expected)


def test_a_column_of_that_name_becomes_the_index(tmp_path: Path) -> None:
    """A frame that has the column itself needs no set_index."""
    frame = pandas.DataFrame({"a": [1, 2], "id": ["p", "q"]})
    CSV(index_col=["id"]).save(frame, tmp_path / "x.csv")

    same(CSV(index_col="id").load(tmp_path / "x.csv"), frame.set_index("id"))


def test_index_col_that_names_nothing_is_an_error(tmp_path: Path) -> None:
    """Two names for an index of one level are a mistake."""
    with pytest.raises(FormatError, match=r"index_col=\['a', 'b'\] names neither columns nor the"):
        CSV(index_col=["a", "b"]).save(pandas.DataFrame({"x": [1]}), tmp_path / "x.csv")


def test_decimals_and_encoding_hold_in_both_directions(tmp_path: Path) -> None:
    """A file for a German spreadsheet is read as it was written."""
    loader = CSV(sep=";", decimal=",", encoding="latin-1")
    frame = pandas.DataFrame({"größe": [1.5, 2.25]})
    loader.save(frame, tmp_path / "x.csv")

    assert (tmp_path / "x.csv").read_bytes() == "größe\n1,5\n2,25\n".encode("latin-1")
    same(loader.load(tmp_path / "x.csv"), frame)


def test_dates_are_read_when_they_are_named(tmp_path: Path) -> None:
    """parse_dates says which columns are dates."""
    frame = pandas.DataFrame({"when": pandas.to_datetime(["2020-01-01", "2020-03-04"])})
    CSV().save(frame, tmp_path / "x.csv")

    back = CSV(parse_dates=["when"]).load(tmp_path / "x.csv")
    assert back["when"].tolist() == frame["when"].tolist()


def test_a_frame_without_rows_keeps_its_names(tmp_path: Path) -> None:
    """An empty table is a table."""
    CSV().save(pandas.DataFrame({"a": [], "b": []}), tmp_path / "x.csv")

    assert list(CSV().load(tmp_path / "x.csv")) == ["a", "b"]


@pytest.mark.parametrize(
    "value,text",
    [
        (lambda: pandas.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column is called"),
        (lambda: [1], "CSV is for frames, not for list"),
        (lambda: pandas.DataFrame({"a": ["\ud800"]}, dtype=object), "surrogates not allowed"),
    ],
    ids=["names", "list", "surrogate"],
)
def test_what_csv_cannot_hold_is_refused(tmp_path: Path, value: Any, text: str) -> None:
    """The message says what is wrong; the old file stays and no other is left."""
    (tmp_path / "x.csv").write_text("old")

    with pytest.raises(FormatError, match=rf"x\.csv cannot be written as CSV: .*{text}"):
        CSV().save(value(), tmp_path / "x.csv")

    assert (tmp_path / "x.csv").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_row_that_is_too_long_names_the_line(tmp_path: Path) -> None:
    """What pandas says of the line is in the message."""
    (tmp_path / "x.csv").write_text("a,b\n1,2\n1,2,3\n")

    with pytest.raises(FormatError, match=r"x\.csv:3 cannot be read as CSV: .*line 3") as error:
        CSV().load(tmp_path / "x.csv")
    assert error.value.line == 3
