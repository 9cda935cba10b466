from __future__ import annotations

from typing import Any

import pandera.polars as pa
import pytest

from pypedream.tabular.headers import Layout, layout_of, separator_problem
from pypedream.tabular.problems import Problem
from pypedream.tabular.table_schema import table_schema

COLUMNS = {"id": pa.Column(int), "name": pa.Column(str)}


def read(names: str, columns: Any = COLUMNS, **options: Any) -> tuple[Layout, list[Problem]]:
    """Return what becomes of a header, whose names are between commas."""
    schema = table_schema(pa.DataFrameSchema(columns, **options), "x")
    return layout_of(names.split(","), schema, file="x.csv", line=1)


def test_columns_come_in_as_they_are_in_the_file() -> None:
    """Their order is that of the file; what the schema does not name stays as text."""
    layout, problems = read("name,more,id")

    assert problems == []
    assert {name: str(dtype) for name, dtype in layout.dtypes.items()} == {
        "name": "String",
        "more": "String",
        "id": "Int64",
    }


def test_a_schema_may_leave_out_what_it_does_not_name() -> None:
    """Also columns without a name, of which there may be several."""
    layout, problems = read("name,more,id,,", strict="filter")

    assert problems == []
    assert list(layout.kept) == ["name", "id"]


def test_a_pattern_means_several_columns() -> None:
    """Each of them has the dtype; one that may be absent need not be there."""
    columns = {"^y\\d+$": pa.Column(float, regex=True), "z": pa.Column(int, required=False)}

    layout, problems = read("y1,y2", columns)

    assert problems == []
    assert [str(dtype) for dtype in layout.dtypes.values()] == ["Float64", "Float64"]


def test_a_missing_column_may_be_added() -> None:
    """With its default, or as null; one without either is missing."""
    columns = {
        "a": pa.Column(int, default=3),
        "b": pa.Column(str, nullable=True),
        "c": pa.Column(str),
    }

    layout, problems = read("x", columns, add_missing_columns=True)

    assert list(layout.added) == ["a", "b"]
    assert [each.column for each in problems] == ["c"]


@pytest.mark.parametrize(
    "names, options, code, match",
    [
        ("id", {}, "missing-column", '"name": is missing; the file has id'),
        ("id,nmae", {}, "missing-column", 'did you mean "nmae"?'),
        ("id,Name", {}, "missing-column", "the column 2 is called 'Name', which is not quite"),
        ("id, name", {}, "missing-column", "called ' name', which is not quite the same"),
        ("id,name,id", {}, "duplicate-column", '"id": is the name of the columns 1 and 3'),
        ("id,name,", {}, "unnamed-column", "the column 3 has no name"),
        ("id,name,nam", {"strict": True}, "extra-column", 'strict; did you mean "name"?'),
        ("name,id", {"ordered": True}, "column-order", '"id": comes too late: .* as id, name'),
    ],
    ids=["missing", "near", "case", "blank", "doubled", "unnamed", "extra", "order"],
)
def test_a_header_that_is_not_as_the_schema_says(
    names: str, options: dict[str, Any], code: str, match: str
) -> None:
    """A problem has a code, the line, and what the right name may be."""
    _, problems = read(names, **options)

    [problem] = problems
    assert (problem.code, problem.file, problem.line) == (code, "x.csv", 1)
    with pytest.raises(ValueError, match=match):
        raise ValueError(str(problem))


@pytest.mark.parametrize("adds", [False, True], ids=["absent", "added"])
def test_a_file_of_which_no_column_comes_in_is_refused(adds: bool) -> None:
    """Its rows would have nothing in them, or only what the schema adds."""
    columns = {"id": pa.Column(int, required=adds, default=0)}

    _, problems = read("a,b", columns, strict="filter", add_missing_columns=adds)

    told = "line 1: no column is in the schema, which has id, and leaves others out"
    assert [str(each) for each in problems] == [f"{told}; the file has a, b  [no-column]"]


def test_all_that_is_wrong_comes_together() -> None:
    """A header is not read three times to be right."""
    _, problems = read("a,a,b", strict=True)

    codes = [each.code for each in problems]
    assert codes == ["duplicate-column", *["extra-column"] * 3, *["missing-column"] * 2]


@pytest.mark.parametrize(
    "name, shown", [(";", ";"), ("\t", "\\t"), ("|", "|")], ids=["semicolon", "tab", "bar"]
)
def test_another_separator_is_recognized(name: str, shown: str) -> None:
    """If the names are there but not apart, the problem is the separator."""
    schema = table_schema(pa.DataFrameSchema(COLUMNS), "x")

    problem = separator_problem([f"id{name}name"], schema, ",")

    assert problem is not None
    assert f'give separator="{shown}"' in problem.reason
    assert separator_problem(["a", "b"], schema, ",") is None
    assert separator_problem([" id", " name"], schema, ",") is None
