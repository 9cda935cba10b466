from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from inspect import signature
from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pypedream.errors import DefinitionError, IngestError
from pypedream.tabular import IngestedFile, IngestFileSpec, ingest_file

COLUMNS = {
    "id": pa.Column(int, unique=True),
    "name": pa.Column(str),
    "opened": pa.Column(pl.Date, nullable=True),
}
SCHEMA = pa.DataFrameSchema(COLUMNS)
HEAD = b"id,name,opened\n"
SIZES = (1, 2, 1_000_000)


def taken(
    folder: Path, data: bytes, schema: Any = SCHEMA, *, size: int = 1_000, **given: Any
) -> tuple[IngestedFile, pl.DataFrame]:
    """Ingest a file of these bytes; return the result and the rows."""
    folder.mkdir(exist_ok=True)
    source = folder / "schools.csv"
    source.write_bytes(data)
    spec = IngestFileSpec("schools", "*.csv", schema, **given)
    result = ingest_file(source, spec, folder / "out" / "schools.parquet", batch_size=size)
    return result, pl.read_parquet(result.target)


def refused(folder: Path, data: bytes, schema: Any = SCHEMA, **given: Any) -> IngestError:
    """Ingest a file of these bytes that cannot come in; nothing is left of it."""
    with pytest.raises(IngestError, match=r"schools\.csv") as caught:
        taken(folder, data, schema, **given)
    assert [*(folder / "out").glob("*")] == []
    return caught.value


def told(error: IngestError) -> list[tuple[Any, ...]]:
    """Return what an error tells, in short."""
    return [(each.line, each.column, each.value, each.code) for each in error.problems]


FAULTS = {
    "encoding": (HEAD + b"1,caf\xe9,\n2,b,\n", (2, "name", None, "encoding")),
    "long row": (HEAD + b"1,a,,4\n2,b,\n", (2, None, None, "long-row")),
    "short row": (HEAD + b"1,a\n2,b,\n", (2, None, None, "short-row")),
    "open quote": (HEAD + b'1,"a,\n2,b,\n', (2, "name", None, "quotes")),
    "nul": (HEAD + b"1,\0a,\n2,b,\n", (2, "name", None, "nul")),
    "text": (HEAD + b"x1,a,\n2,b,\n", (2, "id", "x1", "type")),
    "comma": (HEAD + b'"1,234",a,\n2,b,\n', (2, "id", "1,234", "type")),
    "overflow": (
        HEAD + b"9223372036854775808,a,\n2,b,\n",
        (2, "id", "9223372036854775808", "type"),
    ),
    "no such day": (HEAD + b"1,a,2021-02-31\n2,b,\n", (2, "opened", "2021-02-31", "type")),
    "blank": (HEAD + b"1,,\n2,b,\n", (2, "name", None, "blank")),
    "behind a quoted line end": (
        HEAD + b'2,"b\r\n\r\nb",\r\nx1,a,\n',
        (5, "id", "x1", "type"),
    ),
    "behind blank lines": (HEAD + b"\n\n2,b,\n\nx1,a,\n", (6, "id", "x1", "type")),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("data, problem", FAULTS.values(), ids=FAULTS)
def test_a_row_that_is_not_right_keeps_the_file_out(
    tmp_path: Path, data: bytes, problem: tuple[Any, ...], size: int
) -> None:
    """The error has the line, the column, the value and a code, whatever the size of a batch."""
    assert told(refused(tmp_path, data, size=size)) == [problem]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("data, problem", FAULTS.values(), ids=FAULTS)
def test_in_quarantine_the_other_rows_come_in(
    tmp_path: Path, data: bytes, problem: tuple[Any, ...], size: int
) -> None:
    """The row is in a file of rejects, with the same line, column, value and code."""
    result, frame = taken(tmp_path, data, size=size, on_error="quarantine")

    assert frame["id"].to_list() == [2]
    assert (result.rows, result.rejected, result.source_rows) == (1, 1, 2)
    assert result.losses == {problem[3]: 1}
    assert result.rejects is not None
    [reject] = csv.DictReader(io.StringIO(result.rejects.read_text(encoding="utf-8")))
    found = tuple(reject[name] or None for name in ("line", "column", "value", "code"))
    assert found == (str(problem[0]), *problem[1:])


WHOLE = {
    "empty": (b"", "is empty"),
    "one line end": (b"\n", "is empty"),
    "cr": (b"id,name,opened\r1,a,\r", "line ends of old Macs"),
    "utf-16": ("id,name,opened\n1,a,\n".encode("utf-16"), 'give encoding="utf-16"'),
    "missing": (b"id,opened\n1,\n", 'line 1, column "name": is missing; the file has id, opened'),
    "another case": (b"id,Name,opened\n1,a,\n", "is called 'Name', which is not quite the same"),
    "doubled": (b"id,name,opened,id\n1,a,,1\n", "the name of the columns 1 and 4"),
    "title": (
        b"Register of schools,,\n\n" + HEAD + b"1,a,\n",
        "line 1: the names of the columns are in line 3: take out what is above them",
    ),
    "blank name": (b"id, ,opened\n1,a,\n", "is missing; the file has id, ' ', opened"),
    "semicolons": (b"id;name;opened\n1;a;\n", 'line 1: has a semicolon .* give separator=";"'),
}


def test_a_file_without_a_header_may_have_other_separators(tmp_path: Path) -> None:
    """The first row is looked at; one that just is too short is a row."""
    names = ("id", "name", "opened")

    error = refused(tmp_path, b"1\ta\t\n", has_header=False, column_names=names)
    assert 'line 1: has a tab between its columns: give separator="\\t"' in str(error)

    error = refused(tmp_path, b"1\n", has_header=False, column_names=names)
    assert told(error) == [(1, None, None, "short-row")]

    schema = pa.DataFrameSchema({"id": pa.Column(int)})
    _, frame = taken(tmp_path / "one", b"1\n", schema, has_header=False, column_names=("id",))
    assert frame.rows() == [(1,)]


@pytest.mark.parametrize("mode", ["fail", "quarantine"])
@pytest.mark.parametrize("data, match", WHOLE.values(), ids=WHOLE)
def test_a_file_that_is_wrong_as_a_whole_never_comes_in(
    tmp_path: Path, data: bytes, match: str, mode: Any
) -> None:
    """Its rows cannot be told apart from those that are right."""
    with pytest.raises(IngestError, match=match):
        taken(tmp_path, data, on_error=mode)
    assert [*(tmp_path / "out").glob("*")] == []


GOOD = {
    "plain": (HEAD + b"1,a,2024-01-31\n", {}),
    "crlf": (b"id,name,opened\r\n1,a,2024-01-31\r\n", {}),
    "no last line end": (HEAD + b"1,a,2024-01-31", {}),
    "mark": (b"\xef\xbb\xbf" + HEAD + b"1,a,2024-01-31\n", {}),
    "quoted": (b'"id","name","opened"\n"1","a","2024-01-31"\n', {}),
    "headerless": (
        b"1,a,2024-01-31\n",
        {"has_header": False, "column_names": ["id", "name", "opened"]},
    ),
    "utf-16": ((HEAD + b"1,a,2024-01-31\n").decode().encode("utf-16"), {"encoding": "utf-16"}),
    "semicolons": ((HEAD + b"1,a,2024-01-31\n").replace(b",", b";"), {"separator": ";"}),
    "format": (HEAD + b"1,a,31/01/2024\n", {"formats": {"opened": "%d/%m/%Y"}}),
    "blank lines": (b"\n" + HEAD + b"\n1,a,2024-01-31\n\n", {}),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("data, options", GOOD.values(), ids=GOOD)
def test_a_file_that_is_right_comes_in(
    tmp_path: Path, data: bytes, options: dict[str, Any], size: int
) -> None:
    """However it is written; the result says what was read."""
    result, frame = taken(tmp_path, data, size=size, **options)

    assert frame.rows() == [(1, "a", dt.date(2024, 1, 31))]
    assert frame.schema == pl.Schema({"id": pl.Int64, "name": pl.String, "opened": pl.Date})
    assert (result.rows, result.columns, result.rejected, result.rejects) == (1, 3, 0, None)
    assert result.size_bytes == len(data)
    assert result.sha256 == hashlib.sha256(data).hexdigest()
    assert [path.name for path in result.target.parent.iterdir()] == ["schools.parquet"]


@pytest.mark.parametrize("size", SIZES)
def test_a_header_alone_is_a_file_without_rows(tmp_path: Path, size: int) -> None:
    """It has the columns of the schema, for every size of a batch."""
    result, frame = taken(tmp_path, HEAD, size=size)

    assert (result.rows, result.rejected) == (0, 0)
    assert frame.schema == pl.Schema({"id": pl.Int64, "name": pl.String, "opened": pl.Date})


def test_nothing_is_guessed(tmp_path: Path) -> None:
    """Leading zeros stay where the schema says text, and columns that it does not name are text."""
    schema = pa.DataFrameSchema({"id": pa.Column(str)})

    _, frame = taken(tmp_path, b"id,more\n007,08\n", schema)

    assert frame.rows() == [("007", "08")]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["*", "^.*$", "a (b)", "=a", " é", "a\nb"])
def test_a_column_may_have_any_name(tmp_path: Path, name: str, size: int) -> None:
    """Also one by which polars would choose several columns."""
    columns = {
        "a": pa.Column(int),
        name: pa.Column(pl.Date, pa.Check.gt(dt.date(2000, 1, 1)), unique=True),
    }
    schema = pa.DataFrameSchema(columns, unique=["a", name])
    data = f'a,"{name}"\n1,2024-01-31\n2,\n3,1999-01-01\n4,x\n5,2024-01-31\n'.encode()

    result, frame = taken(tmp_path, data, schema, size=size, on_error="quarantine")

    assert (frame.columns, frame.height) == (["a", name], 0)
    assert result.losses == {"blank": 1, "rule": 1, "type": 1, "unique": 2}


def test_null_values_and_defaults(tmp_path: Path) -> None:
    """Texts may stand for what is missing, and a default may stand there."""
    columns = {
        "a": pa.Column(int, default=3),
        "b": pa.Column(str, nullable=True),
        "c": pa.Column(float, nullable=True),
    }
    schema = pa.DataFrameSchema(columns, add_missing_columns=True)

    _, frame = taken(tmp_path, b'a,b\nNA,"-"\n,x\n', schema, null_values=("NA", "-"))

    assert frame.rows() == [(3, None, None), (3, "x", None)]


def test_old_files_are_replaced_only_when_the_new_one_is_whole(tmp_path: Path) -> None:
    """A file that cannot come in leaves the one that was there."""
    taken(tmp_path, HEAD + b"1,a,\n")
    with pytest.raises(IngestError):
        taken(tmp_path, HEAD + b"x,a,\n")

    assert pl.read_parquet(tmp_path / "out" / "schools.parquet")["id"].to_list() == [1]

    taken(tmp_path, HEAD + b"2,a,\n")
    assert pl.read_parquet(tmp_path / "out" / "schools.parquet")["id"].to_list() == [2]


KNOWS_EXACT = "exact_value" in signature(pa.Check.str_length).parameters  # newer versions do
EXACTLY_TWO = {"exact_value": 2} if KNOWS_EXACT else {"min_value": 2, "max_value": 2}
RULES: dict[str, tuple[Any, Any, list[bytes], list[bytes]]] = {
    "eq": (int, pa.Check.eq(1), [b"1"], [b"2"]),
    "ne": (int, pa.Check.ne(1), [b"2"], [b"1"]),
    "gt": (int, pa.Check.gt(1), [b"2"], [b"1"]),
    "ge": (float, pa.Check.ge(1), [b"1"], [b"0.5"]),
    "lt": (int, pa.Check.lt(1), [b"0"], [b"1"]),
    "le": (int, pa.Check.le(1), [b"1"], [b"2"]),
    "in_range": (int, pa.Check.in_range(1, 3), [b"1", b"3"], [b"0", b"4"]),
    "open range": (
        int,
        pa.Check.in_range(1, 3, include_min=False, include_max=False),
        [b"2"],
        [b"1", b"3"],
    ),
    "isin": (str, pa.Check.isin(["a", "b"]), [b"a"], [b"c"]),
    "notin": (str, pa.Check.notin(["a", "b"]), [b"c"], [b"a"]),
    "str_matches": (str, pa.Check.str_matches("a+"), [b"aab"], [b"ba"]),
    "str_contains": (str, pa.Check.str_contains("a+"), [b"ba"], [b"b"]),
    "str_startswith": (str, pa.Check.str_startswith("a."), [b"a.b"], [b"ab"]),
    "str_endswith": (str, pa.Check.str_endswith("b"), [b"ab"], [b"ba"]),
    "str_length": (str, pa.Check.str_length(2, 3), [b"ab", "éé".encode()], [b"a", b"abcd"]),
    "exact length": (str, pa.Check.str_length(**EXACTLY_TWO), [b"ab"], [b"a"]),
    "element_wise": (int, pa.Check(lambda value: value > 1, element_wise=True), [b"2"], [b"1"]),
    "function": (
        int,
        pa.Check(lambda data: data.lazyframe.select(pl.col(data.key) > 1), name="above"),
        [b"2"],
        [b"1"],
    ),
}


@pytest.mark.filterwarnings("ignore::polars.exceptions.PolarsInefficientMapWarning")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype, check, right, wrong", RULES.values(), ids=RULES)
def test_each_check_of_pandera_means_what_it_means_there(
    tmp_path: Path, dtype: Any, check: Any, right: list[bytes], wrong: list[bytes], size: int
) -> None:
    """Rows that pandera refuses do not come in, others do; a missing value is neither."""
    schema = pa.DataFrameSchema({"x": pa.Column(dtype, check, nullable=True)})
    data = b"x\n" + b"\n".join([*right, b'""', *wrong]) + b"\n"

    result, frame = taken(tmp_path, data, schema, size=size, on_error="quarantine")

    assert frame.height == len(right) + 1
    assert result.losses == {"rule": len(wrong)}
    schema.validate(frame.lazy().collect())
    texts = [*map(bytes.decode, wrong)]
    failing = pl.DataFrame({"x": texts}).with_columns(pl.col("x").cast(frame["x"].dtype))
    with pytest.raises(pa.errors.SchemaError):
        schema.validate(failing)
    [ruled] = [each for each in result.rules if each.failed]
    assert (ruled.column, ruled.failed, ruled.examples) == ("x", len(wrong), tuple(texts))


@pytest.mark.parametrize("size", SIZES)
def test_a_check_of_a_whole_column_sees_all_of_it(tmp_path: Path, size: int) -> None:
    """Where a batch ends makes no difference, also for a mean."""
    columns = {
        "x": pa.Column(
            int, pa.Check(lambda data: data.lazyframe.select(pl.col("x") <= pl.col("x").mean()))
        )
    }

    error = refused(tmp_path, b"x\n1\n2\n6\n", pa.DataFrameSchema(columns), size=size)

    assert told(error) == [(4, "x", "6", "rule")]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["fail", "quarantine"])
def test_a_check_that_says_nothing_of_rows_is_about_the_file(
    tmp_path: Path, size: int, mode: Any
) -> None:
    """No row can be put aside for it, so the file stays out."""
    check = pa.Check(lambda data: data.lazyframe.select(pl.col("x").sum() > 10), name="enough")
    schema = pa.DataFrameSchema({"x": pa.Column(int, check)})

    error = refused(tmp_path, b"x\n1\n2\n", schema, size=size, on_error=mode)

    assert told(error) == [(None, "x", None, "rule")]
    assert "does not fulfil enough" in str(error)


def test_a_check_that_raises_says_which_it_is(tmp_path: Path) -> None:
    """The user's own exception comes, with a note."""

    def broken(data: Any) -> Any:
        raise RuntimeError("oops")

    schema = pa.DataFrameSchema({"x": pa.Column(int, pa.Check(broken))})

    with pytest.raises(RuntimeError, match="oops") as caught:
        taken(tmp_path, b"x\n1\n", schema)

    assert caught.value.__notes__ == ['the check "broken" of the column "x" raised this']
    assert [*(tmp_path / "out").glob("*")] == []


@pytest.mark.parametrize("size", SIZES)
def test_rows_have_to_be_unique_in_the_whole_file(tmp_path: Path, size: int) -> None:
    """All rows with a value that comes twice are wrong, as pandera has it; nulls are equal."""
    schema = pa.DataFrameSchema(
        {"a": pa.Column(str, unique=True, nullable=True), "b": pa.Column(int)}, unique=["a", "b"]
    )
    data = b"a,b\nx,1\ny,1\nx,2\n,3\n,4\n"

    result, frame = taken(tmp_path, data, schema, size=size, on_error="quarantine")

    assert frame.rows() == [("y", 1)]
    assert result.losses == {"unique": 4}

    joint = pa.DataFrameSchema({"a": pa.Column(str), "b": pa.Column(int)}, unique=["a", "b"])
    error = refused(tmp_path / "joint", b"a,b\nx,1\ny,1\nx,1\nx,2\n", joint, size=size)
    assert told(error) == [(2, None, "x, 1", "unique"), (4, None, "x, 1", "unique")]


@pytest.mark.parametrize("joint", [True, False], ids=["joint", "alone"])
def test_a_category_is_the_same_one_in_every_batch(tmp_path: Path, joint: bool) -> None:
    """Whatever number polars gives it there, and whether rows before it come in or not."""
    columns = {"a": pa.Column(pl.Categorical, unique=not joint), "b": pa.Column(int)}
    schema = pa.DataFrameSchema(columns, unique=["a", "b"] if joint else None)
    data = b"a,b\ny,x\nx,2\nx,2\n"

    result, frame = taken(tmp_path, data, schema, size=2, on_error="quarantine")

    assert frame.height == 0
    assert result.losses == {"type": 1, "unique": 2}


def test_a_row_that_does_not_come_in_makes_no_other_wrong(tmp_path: Path) -> None:
    """What is unique among the rows that come in is unique."""
    data = HEAD + b"1,a,\n1,,\n"

    result, frame = taken(tmp_path, data, on_error="quarantine")

    assert (frame["name"].to_list(), result.losses) == (["a"], {"blank": 1})


def test_all_problems_come_together_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Those of rows, of cells and of the whole file; a row with two is one row."""
    data = HEAD + b"1,a,\n2,b\nx,,\n1,c,2024-02-31\n1,d,\n"

    error = refused(tmp_path, data)

    assert told(error) == [
        (2, "id", "1", "unique"),
        (3, None, None, "short-row"),
        (4, "id", "x", "type"),
        (4, "name", None, "blank"),
        (5, "opened", "2024-02-31", "type"),
        (6, "id", "1", "unique"),
    ]
    assert str(error).startswith("schools.csv: 6 problems in 5 of 5 rows, so it did not come in\n")
    assert error.counts == {"unique": 2, "short-row": 1, "type": 2, "blank": 1}
    assert error.table.shape == (6, 9)
    assert error.table["line"].to_list() == [2, 3, 4, 4, 5, 6]


def test_many_problems_are_counted_and_the_first_are_told(tmp_path: Path) -> None:
    """The text has the first twenty, the table the first ten thousand, the counts all."""
    data = b"x\n" + b"a\n" * 10_050

    error = refused(tmp_path, data, pa.DataFrameSchema({"x": pa.Column(int)}), size=999)

    assert str(error).count("is not a whole number") == 20
    assert "... 10,030 more (10,050 type)" in str(error)
    assert len(error.problems) == 10_000
    assert error.counts == {"type": 10_050}


def test_a_key_that_is_none_is_told_in_the_memory_of_a_part_of_its_rows(tmp_path: Path) -> None:
    """Where all rows have one key, an error has the first, and a file of rejects all."""
    data = b"x\n" + b"7\n" * 25_000
    schema = pa.DataFrameSchema({"x": pa.Column(int, unique=True)})

    error = refused(tmp_path, data, schema, size=1_000)

    assert [each.row for each in error.problems] == [*range(1, 10_001)]
    assert error.counts == {"unique": 25_000}
    result, frame = taken(tmp_path, data, schema, size=1_000, on_error="quarantine")
    assert (frame.height, result.rejected) == (0, 25_000)
    rejects = csv.DictReader(io.StringIO(texts(result)))
    assert [int(each["line"]) for each in rejects] == [*range(2, 25_002)]


@pytest.mark.parametrize(
    "limit, comes_in", [(None, True), (2, True), (1, False), (0.5, True), (0.4, False), (0, False)]
)
def test_a_limit_keeps_a_file_out_that_is_too_bad(
    tmp_path: Path, limit: float | None, comes_in: bool
) -> None:
    """A number counts rows, a share is of all rows; nothing is left of a file that stays out."""
    data = HEAD + b"1,a,\n2,b,\nx,c,\ny,,\n"

    if comes_in:
        assert taken(tmp_path, data, on_error="quarantine", max_errors=limit)[0].rejected == 2
    else:
        error = refused(tmp_path, data, on_error="quarantine", max_errors=limit)
        assert f"3 problems in 2 of 4 rows, more than max_errors={limit} allows" in str(error)


@pytest.mark.parametrize(
    "formats, match",
    [
        ({"open": "%Y"}, 'neither in the file nor in the schema; did you mean "opened"'),
        ({"id": "%Y"}, 'the column "id", which is Int64: formats are for dates and times'),
    ],
    ids=["unknown", "number"],
)
def test_a_format_for_nothing_is_refused(
    tmp_path: Path, formats: dict[str, str], match: str
) -> None:
    """Otherwise a name that is mistyped would be passed over in silence."""
    with pytest.raises(DefinitionError, match=match):
        taken(tmp_path, HEAD + b"1,a,\n", formats=formats)


def test_who_ingests_may_say_otherwise_than_the_spec(tmp_path: Path) -> None:
    """What is given with the call counts; a place for rejects may be given as well."""
    (tmp_path / "a.csv").write_bytes(HEAD + b"1,a,\nx,b,\n")
    spec = IngestFileSpec("a", "a.csv", SCHEMA)

    result = ingest_file(
        tmp_path / "a.csv",
        spec,
        tmp_path / "a.parquet",
        on_error="quarantine",
        max_errors=1,
        rejects=tmp_path / "deep" / "rejects.csv",
    )

    assert result.rejects == tmp_path / "deep" / "rejects.csv"
    with pytest.raises(DefinitionError, match="needs on_error='quarantine'"):
        ingest_file(tmp_path / "a.csv", spec, tmp_path / "b.parquet", max_errors=1)


def test_a_limit_of_the_spec_holds_where_the_call_says_only_what_becomes_of_rows(
    tmp_path: Path,
) -> None:
    """It is about quarantine: a file that fails at one row needs none."""
    (tmp_path / "a.csv").write_bytes(HEAD + b"1,a,\nx,b,\n")
    spec = IngestFileSpec("a", "a.csv", SCHEMA, on_error="quarantine", max_errors=0)

    for on_error, told in (("quarantine", "more than max_errors=0"), ("fail", "did not come in")):
        with pytest.raises(IngestError, match=told):
            ingest_file(tmp_path / "a.csv", spec, tmp_path / "b.parquet", on_error=on_error)


def test_a_schema_that_drops_rows_does_not_do_so_in_silence(tmp_path: Path) -> None:
    """They are in the file of rejects."""
    schema = pa.DataFrameSchema(COLUMNS, drop_invalid_rows=True)

    result, _ = taken(tmp_path, HEAD + b"1,a,\nx,b,\n", schema)

    assert (result.rows, result.rejected, result.rejects is not None) == (1, 1, True)


def test_a_warning_is_counted_and_the_row_comes_in(tmp_path: Path) -> None:
    """A check that only warns keeps nothing out."""
    check = pa.Check.ge(0, raise_warning=True)
    whole = pa.Check(lambda data: data.lazyframe.select(pl.col("x") < 5), raise_warning=True)
    schema = pa.DataFrameSchema({"x": pa.Column(int, [check, whole])})

    result, frame = taken(tmp_path, b"x\n-1\n7\n", schema)

    assert (frame.height, result.losses) == (2, {})
    failed = {each.rule: (each.failed, each.examples) for each in result.rules if each.failed}
    assert failed == {"greater_than_or_equal_to(0)": (1, ("-1",)), "<lambda>": (1, ("7",))}


def test_rules_say_what_was_checked(tmp_path: Path) -> None:
    """Each rule has the number of values that it says something about."""
    result, _ = taken(tmp_path, HEAD + b"1,a,\n2,b,2024-01-31\n3,c\nx,d,\n", on_error="quarantine")

    found = {(each.column, each.rule): (each.checked, each.failed) for each in result.rules}
    assert found == {
        (None, "readable"): (4, 1),
        ("id", "type Int64"): (3, 1),
        ("opened", "type Date"): (1, 0),
        ("id", "not_nullable"): (3, 0),
        ("name", "not_nullable"): (3, 0),
        ("id", "unique"): (2, 0),
    }


@pytest.mark.parametrize("lazy", [False, True], ids=["frame", "lazy"])
@pytest.mark.parametrize("size", SIZES)
def test_a_function_may_read_the_file_instead(tmp_path: Path, size: int, lazy: bool) -> None:
    """Its frame is checked as a file is; text becomes what the schema says."""

    def read(path: Path) -> Any:
        rows = path.read_text().splitlines()[1:]
        frame = pl.DataFrame(
            {"id": rows, "name": ["a"] * len(rows), "opened": ["2024-01-31"] * len(rows)}
        )
        return frame.lazy() if lazy else frame

    result, frame = taken(
        tmp_path, b"!\n1\nx\n 3\n\n", size=size, preprocess=read, on_error="quarantine"
    )

    assert frame["id"].to_list() == [1, 3]
    assert frame.schema["opened"] == pl.Date
    assert result.losses == {"type": 1, "blank": 1}
    error = refused(tmp_path / "fail", b"!\n1\nx\n", size=size, preprocess=read)
    assert [(each.line, each.row, each.value) for each in error.problems] == [(None, 2, "x")]
    assert "row 2, column" in str(error)


@pytest.mark.parametrize("size", SIZES)
def test_a_frame_has_a_row_rejected_where_a_file_has(tmp_path: Path, size: int) -> None:
    """A value that would be cut is of the wrong type; what is told is the value as it was."""
    columns = {"n": pa.Column(int), "kind": pa.Column(str)}
    frame = pl.DataFrame({"n": [1.0, 1.5, 3.0], "kind": ["a", "b", "c"]})
    frame = frame.with_columns(pl.col("kind").cast(pl.Categorical))

    result, found = taken(
        tmp_path,
        HEAD,
        pa.DataFrameSchema(columns),
        size=size,
        preprocess=lambda _: frame,
        on_error="quarantine",
    )

    assert found.rows() == [(1, "a"), (3, "c")]
    [reject] = csv.DictReader(io.StringIO(texts(result)))
    told = tuple(reject[name] for name in ("row", "column", "value", "code", "reason"))
    assert told == ("2", "n", "1.5", "type", "is not a whole number (Int64)")


def test_a_function_that_reads_has_to_return_a_frame(tmp_path: Path) -> None:
    """Anything else is refused."""
    with pytest.raises(DefinitionError, match="has to return a DataFrame of polars, not a list"):
        taken(tmp_path, HEAD, preprocess=lambda path: [path])


def test_a_function_that_reads_may_raise(tmp_path: Path) -> None:
    """Its own error comes, also of a plan that is computed later, and says whose it is."""

    def plan(path: Path) -> Any:
        return pl.scan_csv(path, schema_overrides={"id": pl.Int64})

    with pytest.raises(pl.exceptions.ComputeError) as caught:
        taken(tmp_path, HEAD + b"x,a,\n", preprocess=plan)

    note = 'preprocess of the file "schools" raised this for schools.csv'
    assert caught.value.__notes__ == [note]
    assert not (tmp_path / "out").exists()


def test_a_frame_without_columns_is_refused(tmp_path: Path) -> None:
    """As a file without them is."""
    error = refused(tmp_path, HEAD, pa.DataFrameSchema({}), preprocess=lambda _: pl.DataFrame())

    assert [(each.code, each.reason) for each in error.problems] == [
        ("no-column", "has no columns")
    ]


def test_progress_is_told_after_each_batch(tmp_path: Path) -> None:
    """How many rows have been read, and how many there may be; at last all of them."""
    (tmp_path / "a.csv").write_bytes(HEAD + b"".join(b"%d,a,\n" % at for at in range(100, 999)))
    seen: list[tuple[int, int | None]] = []

    ingest_file(
        tmp_path / "a.csv",
        IngestFileSpec("a", "a.csv", SCHEMA),
        tmp_path / "a.parquet",
        batch_size=100,
        progress=lambda done, total: seen.append((done, total)),
    )

    assert seen[-1] == (899, 899)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert all(total is not None and abs(total - 899) < 20 for _, total in seen)


CELLS = st.sampled_from(
    [
        "1",
        "2",
        "3",
        "07",
        " 5",
        " ",
        "x",
        "",
        "1.5",
        "a b",
        '"a,b"',
        '"a\nb"',
        '"',
        'b"c',
        "2024-01-31",
        "2024-02-31",
    ]
)
LINES = st.lists(CELLS, min_size=0, max_size=4).map(",".join)


@settings(max_examples=60)
@given(lines=st.lists(LINES, max_size=8), size=st.integers(1, 4))
@example(lines=["", "", '","a,b"'], size=1)
@example(lines=[" ,a,2024-01-31", "x,a,2024-01-31", ""], size=1)
def test_results_do_not_depend_on_the_size_of_a_batch(
    lines: list[str], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same rows, rejects, counts and examples, for any file."""
    folder = tmp_path_factory.mktemp("law")
    data = HEAD + "\n".join(lines).encode()

    (one, some), (other, all_at_once) = (
        taken(folder / str(each), data, size=each, on_error="quarantine") for each in (size, 10**6)
    )

    assert_frame_equal(some, all_at_once)
    assert one.losses == other.losses
    assert one.source_rows == other.source_rows
    assert one.blank_lines == other.blank_lines
    assert texts(one) == texts(other)
    assert [(each.failed, each.checked, each.examples) for each in one.rules] == [
        (each.failed, each.checked, each.examples) for each in other.rules
    ]


def texts(result: IngestedFile) -> str:
    """Return the rejects."""
    return result.rejects.read_text(encoding="utf-8") if result.rejects is not None else ""


@settings(max_examples=40)
@given(lines=st.lists(LINES, max_size=8))
def test_every_row_comes_in_or_is_a_reject(
    lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No row is lost: those that come in and those in the file of rejects are all."""
    folder = tmp_path_factory.mktemp("law")
    data = HEAD + "\n".join(lines).encode()

    result, frame = taken(folder, data, on_error="quarantine")

    rejects = csv.DictReader(io.StringIO(texts(result)))
    rejected = {int(each["row"]) for each in rejects}
    assert frame.height == result.rows
    assert len(rejected) == result.rejected
    assert rejected <= set(range(1, result.source_rows + 1))


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False),
        st.none() | TEXT.filter(bool),
        st.none() | st.dates(dt.date(1000, 1, 1)),
        st.none() | st.booleans(),
        st.none() | st.datetimes(dt.datetime(1000, 1, 1)),  # noqa: DTZ001 - without a zone
    ),
    max_size=6,
)
KINDS = {
    "i": pl.Int64,
    "f": pl.Float64,
    "s": pl.String,
    "d": pl.Date,
    "b": pl.Boolean,
    "t": pl.Datetime("us"),
}


@settings(max_examples=60)
@given(rows=ROWS, size=st.integers(1, 3), separator=st.sampled_from(",;\t"))
def test_what_polars_writes_comes_in_as_it_was(
    rows: list[tuple[Any, ...]],
    size: int,
    separator: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Every value is what it was before it was text."""
    frame = pl.DataFrame(rows, schema=KINDS, orient="row")
    columns = {name: pa.Column(dtype, nullable=True) for name, dtype in KINDS.items()}
    text = frame.write_csv(separator=separator, quote_style="non_numeric")

    _, found = taken(
        tmp_path_factory.mktemp("round"),
        text.encode(),
        pa.DataFrameSchema(columns),
        size=size,
        separator=separator,
    )

    assert_frame_equal(found, frame)


def test_a_schema_alone_does_not_describe_a_file(tmp_path: Path) -> None:
    """The message says what does; nothing is read or written."""
    schema = pa.DataFrameSchema({"a": pa.Column(str)})

    with pytest.raises(
        TypeError, match=r'an IngestFileSpec\("schools", .*not by a DataFrameSchema'
    ):
        ingest_file(tmp_path / "a.csv", schema, tmp_path / "a.parquet")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("named", ["target", "rejects"])
@pytest.mark.parametrize("way", ["same", "link", "in another way"])
def test_what_is_written_never_takes_the_place_of_the_source(
    tmp_path: Path, named: str, way: str
) -> None:
    """It would be gone for ever; whatever the path is called."""
    source, link = tmp_path / "schools.csv", tmp_path / "link.csv"
    source.write_bytes(HEAD + b"x,a,\n1,b,\n")
    link.symlink_to(source)
    place = {"same": source, "link": link, "in another way": tmp_path / "no" / ".." / source.name}
    (tmp_path / "no").mkdir()
    places = {"target": tmp_path / "rows.parquet", "rejects": None, named: place[way]}
    before = sorted(tmp_path.iterdir())

    with pytest.raises(DefinitionError, match=r'cannot take the place of ".*schools\.csv": write'):
        ingest_file(
            source,
            IngestFileSpec("schools", "*.csv", SCHEMA, on_error="quarantine"),
            places["target"] or source,
            rejects=places["rejects"],
        )

    assert source.read_bytes() == HEAD + b"x,a,\n1,b,\n"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "given, said",
    [
        pytest.param(
            {"target": "."}, "is a folder: say which file in it gets the rows", id="target"
        ),
        pytest.param({"rejects": "."}, "gets the list of its rejects", id="rejects"),
        pytest.param({"batch_size": 0}, "batch_size=0 is not a whole number from 1 up", id="none"),
        pytest.param({"batch_size": "10"}, "batch_size='10' is not a whole", id="text"),
        pytest.param({"batch_size": 1.5}, "batch_size=1.5 is not a whole", id="half a row"),
    ],
)
def test_a_call_that_cannot_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], said: str
) -> None:
    """Before anything is read or written."""
    monkeypatch.chdir(tmp_path)
    Path("schools.csv").write_bytes(HEAD + b"1,a,\n")
    target = given.pop("target", "schools.parquet")

    with pytest.raises(DefinitionError, match=said):
        ingest_file(
            Path("schools.csv"), IngestFileSpec("schools", "*.csv", SCHEMA), target, **given
        )

    assert [path.name for path in tmp_path.iterdir()] == ["schools.csv"]
