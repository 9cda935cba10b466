from __future__ import annotations

import math

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pypedream.tabular.blocks import Block
from pypedream.tabular.headers import layout_of
from pypedream.tabular.parsing import Parsed, Parser, casts_of
from pypedream.tabular.records import dialect_of, regular_end, scan
from pypedream.tabular.table_schema import table_schema

NUMBERS = [
    "5",
    "-0",
    "+7",
    " 8",
    "9 ",
    "1.5",
    "x",
    "",
    '""',
    '"3"',
    "300",
    "1e3",
    "nan",
    "inf",
    "-Infinity",
    "1e400",
    "true",
    "NA",
]
SCHEMA = pa.DataFrameSchema(
    {
        "a": pa.Column(pl.Int8),
        "b": pa.Column(pl.Float64),
        "c": pa.Column(str),
        "d": pa.Column(pl.Date),
        "e": pa.Column(bool),
    }
)


def parser_of(encoding: str = "utf-8") -> Parser:
    """Return what parses rows of SCHEMA."""
    layout, problems = layout_of("abcde", table_schema(SCHEMA, "x"), file="x", line=1)
    assert not problems
    return Parser(layout, dialect_of(","), encoding, ("NA",), casts_of(layout, {}))


def whole(data: bytes) -> Block:
    """Return a block of rows, as it is made if they are quoted by the rules."""
    comma, has_quotes = dialect_of(","), b'"' in data
    if not has_quotes or regular_end(data, comma, 5) == len(data):
        return Block(data, has_quotes)
    found = scan(data, comma, 5, encoding="utf-8", is_last=True)
    return Block(data, has_quotes, found)


def misfits_of(parsed: Parsed) -> dict[str, list[int]]:
    """Return misfits as lists."""
    return {name: rows.to_list() for name, rows in sorted(parsed.misfits.items())}


ROW = st.tuples(*[st.sampled_from([*NUMBERS, "2024-01-31", "2024-02-31", "a b"])] * 5).map(",".join)
FAULTY = st.sampled_from(["1,2", "1,2,3,4,5,6", "", '1,"a"b,3,4,5', '1,5",3,,', ",,,,"])


@given(st.lists(st.one_of(ROW, FAULTY), min_size=1, max_size=8))
@example(["1,2,3", "1,2,3,4,5,6,7"])
@example(["1,,,,", "300,,,,"])
@example([" ,\t,,,", "x,x,,,"])
def test_rows_together_are_what_they_are_alone(rows: list[str]) -> None:
    """What becomes of a row does not depend on its neighbours, be they right or wrong."""
    parser = parser_of()
    alone = [parser.parse(whole(f"{row}\n".encode())) for row in rows]

    together = parser.parse(whole("".join(f"{row}\n" for row in rows).encode()))

    assert_frame_equal(together.frame, pl.concat([each.frame for each in alone]))
    starts = [sum(each.frame.height for each in alone[:at]) for at in range(len(alone))]
    assert misfits_of(together) == {
        name: [start for start, each in zip(starts, alone, strict=True) if name in each.misfits]
        for name in sorted({name for each in alone for name in each.misfits})
    }
    assert together.row_count == sum(each.row_count for each in alone)
    assert together.blank_count == sum(each.blank_count for each in alone)


@pytest.mark.parametrize(
    "row",
    ["1,2,3,2024-01-31", "1,2,3,2024-01-31,true,6", "", "1,2,\xff,,"],
    ids=["short", "long", "blank", "encoding"],
)
def test_what_is_wrong_with_a_row_is_seen_in_a_block(row: str) -> None:
    """Rows around it are read; it is a fault, or nothing if it is blank."""
    good = b"1,2,3,2024-01-31,true\n"

    parsed = parser_of().parse(whole(good + row.encode("latin-1") + b"\n" + good))

    assert parsed.frame.height == 2
    assert parsed.scan is not None
    assert len(parsed.scan.faults) + parsed.blank_count == 1


def test_a_block_that_is_right_is_not_looked_at_row_by_row() -> None:
    """Nobody knows where its rows are; an empty last cell does not change that."""
    for last in (b"true", b"", b'""', b"NA"):
        parsed = parser_of().parse(whole(b'1,2,"3\n",2024-01-31,' + last + b"\n"))
        assert (parsed.scan, parsed.misfits) == (None, {})
        assert (parsed.line_count, parsed.row_count) == (2, 1)


@pytest.mark.parametrize("first", ["\ufeff", "#", " "])
def test_a_block_may_begin_with_what_a_file_does_not(first: str) -> None:
    """A mark of an encoding is one at the beginning of a file, and a letter in a row."""
    schema = table_schema(pa.DataFrameSchema({"a": pa.Column(str), "b": pa.Column(str)}), "x")
    layout, _ = layout_of("ab", schema, file="x", line=1)
    block = Block(f"{first}1,2\n".encode())

    parsed = Parser(layout, dialect_of(","), "utf-8", (), {}).parse(block)

    assert parsed.frame.rows() == [(f"{first}1", "2")]


def test_an_empty_cell_is_null_also_with_quotes() -> None:
    """Programs that quote everything write nothing in that way."""
    frame = parser_of().parse(whole(b'"","","","",""\nNA,NA,NA,NA,NA\n')).frame

    assert frame.null_count().row(0) == (2,) * 5


def test_a_number_that_is_too_large_is_not_infinite() -> None:
    """Only a text that says so is."""
    parsed = parser_of().parse(whole(b"1,inf,,,\n1,1e400,,,\n1,-Infinity,,,\n1,2,,,\n"))

    assert parsed.frame["b"].to_list() == [math.inf, None, -math.inf, 2]
    assert misfits_of(parsed) == {"b": [1]}


def test_other_encodings_are_decoded() -> None:
    """Text is what it was in the encoding of the file."""
    frame = parser_of("cp1252").parse(whole("1,2,é,,\n".encode("cp1252"))).frame

    assert frame["c"].to_list() == ["é"]
