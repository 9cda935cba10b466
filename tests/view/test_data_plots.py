"""Tables that stages wrote as plots: which columns, joined or not, and what is said instead."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from pypedream.view.data_plots import Axes, data_pictures

LOSS = b"step,loss\n1,0.9\n2,0.5\n3,0.4\n"
CLOUD = b"measured,predicted\n3,2.5\n1,1.5\n2,2\n"


def one(path: str, content: bytes, *how: str, before: bytes | None = None):
    versions = [("now", content)] if before is None else [("HEAD", before), ("now", content)]
    [(_, picture)] = data_pictures(path, versions, Axes(*how))
    ElementTree.fromstring(picture.svg)
    return picture


def lines_in(svg: str) -> int:
    """Return how many lines join points."""
    return svg.count('stroke-width="2"') - svg.count('h24" stroke')


@pytest.mark.parametrize(
    "path, content",
    [
        ("a.csv", LOSS),
        ("a.csv", LOSS.replace(b",", b";")),
        ("a.tsv", LOSS.replace(b",", b"\t")),
        (
            "a.jsonl",
            b'{"step": 1, "loss": 0.9}\n{"step": 2, "loss": 0.5}\n{"step": 3, "loss": 0.4}',
        ),
        ("a.json", b'[{"step":1,"loss":0.9},{"step":2,"loss":0.5},{"step":3,"loss":0.4}]'),
        ("a.json", b'{"rows":[{"step":1,"loss":0.9},{"step":2,"loss":0.5},{"step":3,"loss":0.4}]}'),
        ("a.json", b'{"step": [1, 2, 3], "loss": [0.9, 0.5, 0.4]}'),
    ],
    ids=["csv", "semicolons", "tsv", "jsonl", "json", "json within", "json of columns"],
)
def test_a_table_is_drawn_whatever_it_is_written_in(path, content):
    """The same rows give the same chart."""
    assert one(path, content, "step", "loss").svg == one("b.csv", LOSS, "step", "loss").svg


def test_without_names_the_last_numbers_are_drawn_by_row():
    """Words are passed over."""
    picture = one("a.csv", b"a,b,c\n1,5,x\n2,7,y\n")

    assert picture.about == "b by row, 2 rows: lowest 5 at row 1, highest 7 at row 2"


@pytest.mark.parametrize(
    "content, template, lines",
    [(LOSS, "", 1), (CLOUD, "", 0), (LOSS, "scatter", 0), (CLOUD, "linear", 1)],
    ids=["in order", "in no order", "scatter", "linear"],
)
def test_rows_are_joined_where_they_go_on(content, template, lines):
    """A template says otherwise."""
    x, y = content.decode().partition("\n")[0].split(",")

    assert lines_in(one("a.csv", content, x, y, template).svg) == lines


def test_both_versions_are_in_one_chart():
    """Each has its colour, and its name in the key."""
    svg = one("a.csv", LOSS, "step", "loss", before=LOSS.replace(b"0.4", b"0.45")).svg

    assert lines_in(svg) == 2
    assert ">HEAD<" in svg
    assert ">now<" in svg


def test_words_have_bars():
    """A bar for each word and version, those of a word beside each other."""
    picture = one("a.csv", b"city,sum\nRome,3\nOslo,1\n", "city", "sum", before=b"city,sum\nRome,2")

    assert picture.about == "sum by city: Rome, HEAD: 2; Rome, now: 3; Oslo, now: 1"
    fills = re.findall(r'<rect [^>]* fill="(#\w+)"', picture.svg)
    assert fills[0] != fills[1] == fills[2]  # one colour for each version


def test_bars_of_numbers_are_drawn_if_wanted():
    """By the template."""
    assert one("a.csv", LOSS, "step", "loss", "bar").svg.count("<rect ") == 4


def test_pairs_of_words_are_counted_for_each_version():
    """Two charts, as one has a cell for each pair."""
    table = b"actual,predicted\ncat,cat\ncat,dog\ndog,dog\ncat,cat\n"

    found = data_pictures("a.csv", [("HEAD", table), ("now", table)], Axes("actual", "predicted"))

    assert [name for name, _ in found] == ["HEAD", "now"]
    assert found[0][1].about == (
        "rows by actual and predicted, 3 cells: lowest 1 at actual cat, predicted dog;"
        " highest 2 at actual cat, predicted cat"
    )


def test_rows_without_a_number_are_counted():
    """NaN and gaps are not drawn."""
    svg = one("a.csv", b"x,y\n1,2\n2,nan\n3,\n4,5\n", "x", "y").svg

    assert ">not shown: 2 without a number<" in svg


def test_a_long_line_has_no_dots():
    """They would hide it."""
    table = "x,y\n" + "".join(f"{x},{x * x}\n" for x in range(300))

    svg = one("a.csv", table.encode(), "x", "y").svg

    assert lines_in(svg) == 1
    assert 'stroke-width="7"' not in svg


def test_what_is_no_table_is_left_to_others():
    """No chart."""
    assert data_pictures("a.bin", [("now", b"\0")], Axes()) == []
    assert data_pictures("a.json", [("now", b'{"mark": "bar"}')], Axes()) == []


@pytest.mark.parametrize(
    "path, content, how, said",
    [
        ("a.csv", LOSS, ("step", "los"), 'a.csv has no column "los"; did you mean "loss"'),
        ("a.csv", b"a\nx\n", (), "a.csv has no column of numbers"),
        ("a.csv", b"a,b\n", ("a", "b"), "a.csv has no rows"),
        ("a.csv", b"a,b\n,\n", ("", "b"), 'a.csv has no number for "b"'),
        ("a.json", b"[", (), "a.json cannot be read"),
        ("a.jsonl", b'{"a": 1}\n{', (), "a.jsonl cannot be read"),
    ],
    ids=["column", "words", "empty", "gaps", "json", "jsonl"],
)
def test_what_cannot_be_drawn_is_said(path, content, how, said):
    """In one line, with the nearest name."""
    with pytest.raises(ValueError, match=said):
        data_pictures(path, [("now", content)], Axes(*how))


def test_an_axis_of_too_many_words_is_said():
    """A map of hundreds of cells cannot be read."""
    table = json.dumps([{"a": f"w{x}", "b": f"v{x}"} for x in range(50)]).encode()

    with pytest.raises(ValueError, match="50 words on one axis"):
        data_pictures("a.json", [("now", table)], Axes("a", "b"))


def test_an_unknown_template_is_noted():
    """The table is drawn as fits it."""
    svg = one("a.csv", LOSS, "step", "loss", "scater").svg

    assert 'no template "scater" is known here; did you mean "scatter"' in svg.replace(
        "&quot;", '"'
    )


def test_names_of_columns_are_only_text():
    """Nothing in a table becomes a part of the page."""
    svg = one("a.csv", b'"<b>&x",y\n1,2\n2,3\n', "<b>&x", "y").svg

    assert "<b>" not in svg
