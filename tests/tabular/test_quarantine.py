from __future__ import annotations

import pytest

from pypedream.errors import QuarantineError
from pypedream.tabular.quarantine import REASON, StepQuarantine

pl = pytest.importorskip("polars")


@pytest.fixture
def quarantine(schools):
    return StepQuarantine(schools.run_directory, "check")


def set_aside(quarantine):
    paths = sorted(quarantine.folder.glob("*.parquet"))
    return pl.concat([pl.read_parquet(path) for path in paths])


def test_rows_are_set_aside_with_their_reason(schools, quarantine):
    """In a file with the columns of theirs; the file itself stays as it is."""
    bad = schools.load().filter(pl.col("pupils").is_null())

    quarantine.quarantine_rows(schools, bad.select("pupils", "id"), reason="no pupils")
    quarantine.quarantine_row(schools, {"id": "03", "pupils": 30}, reason="closed")
    quarantine.quarantine_row(schools, {"id": "04", "pupils": None}, reason="closed")
    quarantine.write()

    assert set_aside(quarantine).rows() == [
        ("02", None, "no pupils"),
        ("03", 30, "closed"),
        ("04", None, "closed"),
    ]
    assert set_aside(quarantine).columns == ["id", "pupils", REASON]
    assert set_aside(quarantine).schema["pupils"] == schools.load().schema["pupils"]
    assert quarantine.counts == {"schools": {"no pupils": 1, "closed": 2}}
    assert (quarantine.row_count, schools.row_count()) == (3, 5)


def test_many_rows_become_several_parts(schools, quarantine, monkeypatch):
    """In order, however they came."""
    monkeypatch.setattr("pypedream.tabular.quarantine._PART_ROWS", 2)

    for row in schools.load().iter_rows(named=True):
        quarantine.quarantine_row(schools, row, reason="all")
    quarantine.write()

    names = [path.name for path in sorted(quarantine.folder.iterdir())]
    assert names == [f"schools.part-0000{number}.parquet" for number in (1, 2, 3)]
    assert set_aside(quarantine).drop(REASON).equals(schools.load())


def test_columns_are_those_that_the_file_had_when_the_step_began(schools, quarantine):
    """Also after the step has saved others."""
    rows = schools.load()
    kept = schools.run_directory / "snapshots" / "check" / "schools.parquet"
    kept.parent.mkdir(parents=True)
    rows.write_parquet(kept)
    schools.save_in_place(rows.select("id"))

    quarantine.quarantine_rows(schools, rows.head(1), reason="first")

    assert quarantine.row_count == 1


FRAME = {"id": ["01"], "pupils": [1]}


@pytest.mark.parametrize(
    "rows, reason, why",
    [
        ({**FRAME, "flag": [True]}, "x", 'column "flag" is not in the file.*select'),
        ({"id": ["01"]}, "x", 'no column "pupils"'),
        ({"id": [1], "pupils": [1]}, "x", 'column "id" is Int64, in the file String'),
        ({"id": [], "pupils": []}, "x", "there are no rows"),
        (FRAME, " ", "say why"),
        (FRAME, 7, "say why"),
    ],
    ids=["more", "fewer", "other types", "none", "no reason", "no text"],
)
def test_what_cannot_be_set_aside_is_refused_whole(schools, quarantine, rows, reason, why):
    """The message says which file of which step."""
    frame = pl.DataFrame(rows)

    with pytest.raises(QuarantineError, match=f'step "check" .* rows of "schools": .*{why}'):
        quarantine.quarantine_rows(schools, frame, reason=reason)

    assert quarantine.row_count == 0


@pytest.mark.parametrize(
    "row", [{"id": "01", "pupils": "many"}, {"id": "01", "x": 1}, {}, ["01", 1], None], ids=str
)
def test_a_row_that_is_none_of_the_file_is_refused(schools, quarantine, row):
    """Whether a value, a column or all of it is not as in the file."""
    with pytest.raises(QuarantineError, match='cannot quarantine rows of "schools"'):
        quarantine.quarantine_row(schools, row, reason="x")


def test_a_value_of_another_dtype_is_told_in_a_line(schools, quarantine):
    """With its column, and with all that are wrong."""
    row = {"id": 1, "pupils": "many"}

    with pytest.raises(QuarantineError, match='cannot quarantine rows of "schools"') as refused:
        quarantine.quarantine_row(schools, row, reason="x")

    one, other = "1 is no String", "'many' is no Int64"
    told = f'{one}, which the column "id" is, {other}, which the column "pupils" is'
    assert str(refused.value).endswith(f": {told}")


@pytest.mark.parametrize("file", ["schools", None])
def test_what_is_no_file_of_the_step_is_refused(quarantine, file):
    """As its name; the message says what to give."""
    with pytest.raises(QuarantineError, match=rf"such as files\[0\], not .*{file}"):
        quarantine.quarantine_rows(file, pl.DataFrame(FRAME), reason="x")
    with pytest.raises(QuarantineError, match=rf"such as files\[0\], not .*{file}"):
        quarantine.quarantine_row(file, {"id": "01"}, reason="x")


def test_what_is_no_frame_is_refused(schools, quarantine):
    """As a lazy frame, of which nobody knows how many rows it has."""
    with pytest.raises(QuarantineError, match="rows are a polars DataFrame"):
        quarantine.quarantine_rows(schools, schools.scan(), reason="x")
