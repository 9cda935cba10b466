"""Which stage writes which file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.files.globs import matches
from pypedream.files.paths import folded
from pypedream.files.producers import Producers, clashes

part = st.sampled_from(["a", "b", "A", "c.csv", "c-d", "c", "é", "E\u0301"])
paths = st.lists(part, min_size=1, max_size=3).map("/".join)
outputs = st.lists(st.tuples(st.sampled_from("xyz"), paths), max_size=8)


@pytest.mark.parametrize(
    "given, line",
    [
        (
            [("a", "x.csv"), ("b", "x.csv")],
            '"a" and "b" both write "x.csv": {hint}',
        ),
        (
            [("a", "x.csv"), ("a", "x.csv")],
            'stage "a" writes "x.csv" twice: {hint}',
        ),
        (
            [("a", "out/x.csv"), ("b", "out/")],
            '"out/x.csv" of "a" is inside "out/" of "b": {hint}',
        ),
        (
            [("a", "Out/x.csv"), ("b", "out")],
            '"Out/x.csv" of "a" is inside "out" of "b": {hint}',
        ),
        (
            [("a", "X.csv"), ("b", "x.csv")],
            '"X.csv" of "a" and "x.csv" of "b" are one file on some systems: {hint}',
        ),
        (
            [("a", "STRASSE"), ("b", "straße")],
            '"STRASSE" of "a" and "straße" of "b" are one file on some systems: {hint}',
        ),
    ],
)
def test_two_outputs_that_cannot_both_be(given, line):
    """One line names both stages and both paths."""
    hint = "give one of them another path"

    assert [str(clash) for clash in clashes(given)] == [line.format(hint=hint)]


def test_outputs_beside_each_other():
    """Names that begin alike do not clash, nor do two files of one folder."""
    given = [("a", "out/x"), ("b", "out/y"), ("c", "out-2/x"), ("d", "out.csv"), ("e", "Out/z")]

    assert clashes(given) == []


def test_three_outputs_at_one_path():
    """Each one after the first is named, with the first."""
    found = clashes([("a", "x"), ("b", "x"), ("c", "x/y")])

    assert [clash.stages for clash in found] == [("a", "b"), ("a", "c")]


def parts_of(path: str) -> list[str]:
    return folded(path.rstrip("/")).split("/")


@given(outputs)
def test_clashes_are_found_as_by_comparing_all_with_all(given):
    """There is one exactly if an output is another one or around it."""
    keys = [parts_of(path) for _, path in given]
    pairs = [(i, j) for i in range(len(keys)) for j in range(len(keys)) if i != j]

    assert bool(clashes(given)) == any(keys[j][: len(keys[i])] == keys[i] for i, j in pairs)


@given(outputs, paths)
def test_who_writes_a_path(given, path):
    """It is whoever writes it, something around it or something in it, and nobody else."""
    if clashes(given):
        return
    expected = {
        stage
        for stage, each in given
        if f"{each}/".startswith(f"{path}/") or f"{path}/".startswith(f"{each}/")
    }

    assert set(Producers(given).who(path)) == expected


@given(outputs, st.sampled_from(["*", "a/*", "**/c*", "a/**", "[ab]/c.csv", "*/*"]))
def test_who_writes_what_a_glob_matches(given, pattern):
    """It is whoever writes a file that matches."""
    if clashes(given):
        return
    expected = {stage for stage, path in given if matches(pattern, path)}
    found = set(Producers(given).who(pattern))

    # a file at the place of the glob's own folder counts as well: the glob cannot be without it
    assert expected <= found
    assert found - expected <= {stage for stage, path in given if path == "a"}


def test_a_folder_that_a_stage_fills():
    """Whoever reads from it, by name or by glob, reads what that stage writes."""
    producers = Producers([("split", "parts/"), ("load", "raw/x.csv"), ("tidy", "raw/deep/")])

    assert producers.who("parts/a/1.csv") == ("split",)
    assert producers.who("parts/*.csv") == ("split",)
    assert producers.who("*/1.csv") == ("split",)
    assert producers.who("**/*.csv") == ("split", "tidy", "load")
    assert producers.who("raw/") == ("tidy", "load")
    assert producers.who("raw/*/1.csv") == ("tidy",)
    assert producers.who("rawest.csv") == ()


def test_a_path_that_is_nearly_an_output():
    """A reader that writes it otherwise can be told."""
    producers = Producers([("load", "Data/raw.csv"), ("split", "parts/")])

    assert producers.alike("data/raw.csv") == "Data/raw.csv"
    assert producers.alike("Parts") == "parts/"
    assert producers.alike("Data/raw.csv") is None
    assert producers.alike("other.csv") is None
