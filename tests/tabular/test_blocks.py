from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pypedream.errors import IngestError
from pypedream.tabular.blocks import TextFile
from pypedream.tabular.records import LONGEST_RECORD, dialect_of, scan

COMMA = dialect_of(",")


def file_of(path: Path, data: bytes, names: tuple[str, ...] | None = None) -> TextFile:
    """Write a file."""
    path.write_bytes(data)
    return TextFile(path, COMMA, "utf-8", names)


def rows_of(file: TextFile, size: int) -> tuple[list[bytes], list[str], int, int]:
    """Return what all blocks together say: rows, faults, and how many rows and lines there are."""
    data, faults, rows, lines = list[bytes](), list[str](), 0, 0
    with file.open() as reading:
        columns = len(reading.names)
        for block in reading.blocks(size):
            found = block.known or scan(block.data, COMMA, columns, encoding="utf-8", is_last=True)
            assert found.used == len(block.data)
            data.append(found.data)
            faults += [
                f"{each.line + lines} {each.row + rows} {each.code}" for each in found.faults
            ]
            rows += found.row_count
            lines += found.line_count
    return data, faults, rows, lines


@given(text=st.text('ab,"\n\r', max_size=60))
@example(text='1,"a\n,b\n2,x"y\n,')
@example(text='5" a,b\n6" a,"b\n"\n')
def test_where_blocks_end_makes_no_difference(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Rows and faults are the same for blocks of one row and for one block."""
    folder = tmp_path_factory.mktemp("blocks")
    file = file_of(folder / "a.csv", ("a,b\n" + text).encode())

    whole = rows_of(file, 1_000_000)

    for size in (1, 2, 7):
        data, *others = rows_of(file, size)
        assert (b"".join(data), others) == (b"".join(whole[0]), list(whole[1:]))


def test_blocks_have_about_as_many_rows_as_are_wanted(tmp_path: Path) -> None:
    """The number of rows is by the size of the first ones."""
    file = file_of(tmp_path / "a.csv", b"a,b\n" + b"1,2\n" * 1_000)

    with file.open() as reading:
        sizes = [block.data.count(b"\n") for block in reading.blocks(100)]

    assert sum(sizes) == 1_000
    assert max(sizes) <= 101
    assert len(sizes) <= 11


def test_rows_that_are_quoted_by_the_rules_are_not_looked_at(tmp_path: Path) -> None:
    """A block of such rows knows what is outside of quotes, and nothing else."""
    file = file_of(tmp_path / "a.csv", b'a,b\n"1,\n",2\n3,"""4"\n')

    with file.open() as reading:
        [block] = reading.blocks(10)

    assert (block.has_quotes, block.known) == (True, None)
    assert block.data == b'"1,\n",2\n3,"""4"\n'


def test_a_header_may_have_line_ends(tmp_path: Path) -> None:
    """Names are quoted as cells are; lines are counted as an editor does."""
    file = file_of(tmp_path / "a.csv", b'\xef\xbb\xbf\n\r\n"a\nb","c ""d"""\r\n1,2\r\n')

    with file.open() as reading:
        assert reading.names == ("a\nb", 'c "d"')
        assert (reading.header_line, reading.first_line) == (3, 5)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_line_for_excel_is_passed_over(tmp_path: Path, end: bytes) -> None:
    """It says what is between columns, and is told if that is not so."""
    file = file_of(tmp_path / "a.csv", b"Sep=," + end + b"a,b" + end + b"1,2" + end)

    with file.open() as reading:
        assert (reading.names, reading.header_line) == (("a", "b"), 2)

    file = file_of(tmp_path / "b.csv", b"sep=\t" + end + b"a\tb" + end)
    with (
        pytest.raises(IngestError, match=r'line 1: says that "\\t" .*: give separator="\\t"'),
        file.open(),
    ):
        pass


def test_a_file_without_a_header_begins_with_a_row(tmp_path: Path) -> None:
    """The names are those that are given."""
    file = file_of(tmp_path / "a.csv", b"1,2\n3,4\n", ("a", "b"))

    with file.open() as reading:
        assert (reading.names, reading.header_line, reading.first_line) == (("a", "b"), None, 1)
    assert rows_of(file, 1)[2] == 2


@pytest.mark.parametrize(
    "data, match",
    [
        (b"", "is empty"),
        (b"\n\r\n", "is empty"),
        (b"a,b\r1,2\r", "line ends of old Macs"),
        (b'a,"b\n1,2\n', "line 1: has a quote that is not closed"),
        (b"a,caf\xe9\n", 'line 1: has the byte 0xe9, which is not utf-8; encoding="cp1252"'),
        (b"a,b\0\n", "line 1: has NUL"),
    ],
    ids=["empty", "blank", "cr", "quote", "encoding", "nul"],
)
def test_a_file_without_a_beginning_is_refused(tmp_path: Path, data: bytes, match: str) -> None:
    """The error names the file, and the line where there is one."""
    file = file_of(tmp_path / "a.csv", data)

    with pytest.raises(IngestError, match=f"a.csv: 1 problem.*\n.*{match}"), file.open():
        pass


def test_a_long_header_is_read_to_its_end(tmp_path: Path) -> None:
    """It may be longer than what is looked at first."""
    names = [f"column {number}" for number in range(20_000)]
    file = file_of(tmp_path / "a.csv", ",".join(names).encode())

    with file.open() as reading:
        assert reading.names == tuple(names)


@pytest.mark.parametrize("is_too_long", [False, True])
def test_a_quote_is_given_up_at_the_same_place_for_blocks_of_all_sizes(
    tmp_path: Path, is_too_long: bool
) -> None:
    """A row may have so many bytes, and more where no line ends in a cell."""
    lines = b"x" * 99_999 + b"\n"
    quoted = lines * (LONGEST_RECORD // len(lines) + is_too_long)
    long = b"y" * (LONGEST_RECORD + 1)
    file = file_of(tmp_path / "a.csv", b'a,b\n1,2\n3,"%b"\n%b,5\n' % (quoted, long))

    found = [rows_of(file, size)[1:] for size in (1, 3, 100_000)]

    assert found[0] == found[1] == found[2]
    faults, rows, _ = found[0]
    assert bool(faults) == is_too_long
    assert rows == (len(faults) + 2 if is_too_long else 3)
