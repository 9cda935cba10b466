from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pypedream.tabular import records
from pypedream.tabular.records import Lines, Scan, cells, dialect_of, regular_end, scan

COMMA = dialect_of(",")
CELL = st.text('ab",;\r\n é', max_size=5).filter(lambda text: "\0" not in text)


def scanned(
    data: bytes, columns: int = 3, *, is_last: bool = True, encoding: str = "utf-8"
) -> Scan:
    """Scan with commas."""
    return scan(data, COMMA, columns, encoding=encoding, is_last=is_last)


def written(rows: list[list[str]], separator: str = ",") -> bytes:
    """Return rows as Python writes them, all quoted if one has a character that needs it."""
    has_return = any("\r" in cell for row in rows for cell in row)  # Python may not quote that
    quoting = csv.QUOTE_ALL if has_return else csv.QUOTE_MINIMAL
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n", quoting=quoting).writerows(rows)
    return text.getvalue().encode()


@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=6),
    separator=st.sampled_from(",;\t|"),
)
def test_rows_that_python_writes_are_found(rows: list[list[str]], separator: str) -> None:
    """Each row has its lines and its cells, whatever is in them."""
    data, dialect = written(rows, separator), dialect_of(separator)

    found = scan(data, dialect, 3, encoding="utf-8", is_last=True)

    texts = [data[start:end] for start, end in zip(found.starts, found.ends, strict=True)]
    assert [[cell.decode() for cell in cells(text, dialect)] for text in texts] == rows
    assert (found.data, found.used, found.faults) == (data, len(data), [])
    assert list(found.lines) == [data[:start].count(b"\n") for start in found.starts]


@settings(max_examples=300)
@given(text=st.text('a,"\n\r\0é', max_size=30), cut=st.integers(0, 40))
@example(text='"a\n"b,', cut=3)
@example(text='a,"b\r', cut=5)
@example(text='","a,b"', cut=4)
def test_it_does_not_matter_in_which_parts_a_file_is_scanned(text: str, cut: int) -> None:
    """A part and the rest behind its last whole row are what the file is, whatever is in it."""
    data = f"{text}\n".encode("latin-1")

    whole = scanned(data, 2)
    first = scanned(data[:cut], 2, is_last=False)
    rest = scanned(data[first.used :], 2)

    assert first.data + rest.data == whole.data
    assert first.row_count + rest.row_count == whole.row_count
    assert first.blank_count + rest.blank_count == whole.blank_count
    assert [each.reason for each in first.faults + rest.faults] == [
        each.reason for each in whole.faults
    ]


@given(st.text('a,"\n', max_size=30))
def test_no_line_is_lost(text: str) -> None:
    """Every line is of a row that can be read, of a fault, or blank."""
    data = (text + "\n").encode()

    found = scanned(data, 2)

    assert found.line_count == data.count(b"\n")
    assert found.row_count == len(found.rows) + len(found.faults)
    covered = sum(end - start for start, end in zip(found.starts, found.ends, strict=True))
    lost = sum(len(each.record) + 1 for each in found.faults) + found.blank_count
    assert covered + lost == len(data)


@pytest.mark.parametrize(
    "row, code, cell, match",
    [
        pytest.param(b"1,2", "short-row", None, "has 2 cells, and the file 3 columns", id="short"),
        pytest.param(b"1", "short-row", None, "has 1 cell, and", id="one"),
        pytest.param(b"1,2,3,4", "long-row", None, "has 4 cells", id="long"),
        pytest.param(b'1,"2,3', "quotes", 1, "not closed", id="open quote"),
        pytest.param(b'1,2,"a"b', "quotes", 2, "not closed as it should be", id="behind a quote"),
        pytest.param(b"1,\0,3", "nul", 1, "NUL", id="nul"),
        pytest.param(b"1,2,\xe9", "encoding", 2, "byte 0xe9, which is not utf-8", id="encoding"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(
    row: bytes, code: str, cell: int | None, match: str
) -> None:
    """A fault has a code, the cell that is to blame, and the row; others are read."""
    found = scanned(b"a,b,c\n" + row + b"\nd,e,f\n")

    [fault] = found.faults
    assert (fault.code, fault.cell, fault.record) == (code, cell, row)
    assert (fault.line, fault.row) == (1, 1)
    assert match in fault.reason
    assert found.data == b"a,b,c\nd,e,f\n"


@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=3), max_size=4), columns=st.integers(1, 3))
def test_rows_are_regular_if_they_could_be_taken_as_they_are(
    rows: list[list[str]], columns: int
) -> None:
    """One look at all rows says the same as one at each of them."""
    data = written(rows)

    found = scanned(data, columns)

    is_taken = not found.faults and not found.blank_count and found.data == data
    assert (regular_end(data, COMMA, columns) == len(data)) == is_taken


@given(st.text('a,"\n\r', max_size=20))
def test_any_text_is_regular_only_if_it_could_be_taken_as_it_is(text: str) -> None:
    """Also text that nobody would write."""
    data = f"{text}\n".encode()

    found = scanned(data, 2)

    is_taken = not found.faults and not found.blank_count and found.data == data
    assert (regular_end(data, COMMA, 2) == len(data)) == is_taken


def test_a_quote_within_a_cell_is_a_character() -> None:
    """Inches need no quotes; the row is written anew so that every parser understands it."""
    found = scanned(b'1,5" pipe,"a"\n')

    assert found.data == b'1,"5"" pipe","a"\n'
    assert found.faults == []


def test_an_empty_line_is_no_row() -> None:
    """Lines without anything are passed over and counted; in one column they are rows."""
    assert scanned(b"1,2,3\n\n\r\n4,5,6\n").blank_count == 2
    assert list(scanned(b"1\n\n2\n", columns=1).rows) == [0, 1, 2]


def test_other_encodings_become_utf8() -> None:
    """What is returned is UTF-8."""
    assert scanned(b"1,2,\xe9\n", encoding="cp1252").data == "1,2,é\n".encode()


def test_a_quote_that_is_never_closed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows behind it are read; so much is looked at and not more."""
    monkeypatch.setattr(records, "LONGEST_RECORD", 100)
    data = b'1,"2,3\n' + b"4,5,6\n" * 100

    found = scanned(data, is_last=False)

    assert [each.code for each in found.faults] == ["quotes"]
    assert len(found.rows) == 100


def test_what_may_go_on_is_left() -> None:
    """At the end of a part nothing is said of a row that is not whole."""
    for part in (b"1,2", b'1,"2', b'1,"2"', b'1,"2"\r', b'1,"2""', b"1,", b""):
        found = scanned(b"a,b,c\n" + part, is_last=False)
        assert (found.used, found.faults) == (6, [])


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), min_size=1))
@example([b"x" * 20_000, b"", b"y" * 16_384, b"z"])
@example([b"x" * 16_383, b"y"])
def test_a_line_is_found_by_its_number(lines: list[bytes]) -> None:
    """However long it is, and whatever is before it."""
    data = b"".join(line + b"\n" for line in lines)

    found = Lines.of(data)

    assert [found[number] for number in range(len(lines))] == lines
