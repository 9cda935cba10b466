from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.errors import IngestError
from pypedream.tabular import IngestFileSpec, match_files


def specs(*patterns: str, optional: bool = False) -> list[IngestFileSpec]:
    """Return a spec for each pattern, called a, b, ..."""
    return [
        IngestFileSpec("abcdef"[at], pattern, None, optional=optional)
        for at, pattern in enumerate(patterns)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two files."""
    for name in ("schools_1.csv", "pupils.csv"):
        (tmp_path / name).write_text("id\n", encoding="utf-8")
    return tmp_path


def test_each_spec_gets_its_file(folder: Path) -> None:
    """Patterns are those of a shell, for the name of the file."""
    found = match_files(folder, specs("schools_*.csv", "pupils.csv"))

    assert found == {"a": folder / "schools_1.csv", "b": folder / "pupils.csv"}


@pytest.mark.parametrize(
    "given, why",
    [
        (specs("*")[0], r'match_files\(folder, \[spec\]\), also for "a" alone'),
        ("*.csv", r"a list of IngestFileSpec, not '\*\.csv'"),
        (["*.csv"], r"holds '\*\.csv', which is no IngestFileSpec"),
        (None, "not None"),
    ],
    ids=["one spec", "text", "texts", "none"],
)
def test_what_are_no_specs_is_refused(folder: Path, given: Any, why: str) -> None:
    """One spec as well: it goes into a list."""
    with pytest.raises(TypeError, match=why):
        match_files(folder, given)


def test_specs_choose_in_their_order(folder: Path) -> None:
    """A file that is chosen is not there for later specs."""
    assert match_files(folder, specs("pupils*", "*.csv"))["b"].name == "schools_1.csv"


def test_all_mistakes_come_together(folder: Path) -> None:
    """No match, a folder and a file too many are told at once, with a near name."""
    (folder / "old").mkdir()

    with pytest.raises(IngestError) as caught:
        match_files(folder, specs("school_*.csv", "pupils.csv"))

    assert [each.code for each in caught.value.problems] == ["folder", "no-match", "extra-file"]
    assert 'did you mean "schools_1.csv"?' in str(caught.value)
    assert "is a folder" in str(caught.value)


def test_a_pattern_that_is_too_wide_says_which_spec_comes_first(folder: Path) -> None:
    """Two matches are told with both names, and with the narrower spec that should be first."""
    with pytest.raises(IngestError, match=r'2 files match .* put "b" before "a"') as caught:
        match_files(folder, specs("*.csv", "pupils.csv"))

    assert [each.code for each in caught.value.problems] == ["many-matches"]


def test_what_systems_put_into_folders_is_passed_over(folder: Path) -> None:
    """Hidden files and those of Windows and macOS are neither chosen nor too many."""
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._pupils.csv"):
        (folder / name).touch()
    (folder / ".git").mkdir()

    assert len(match_files(folder, specs("s*", "p*"))) == 2


def test_an_optional_file_may_be_absent(folder: Path) -> None:
    """A spec that is optional and has no file is not in the result."""
    given = [*specs("s*", "p*"), IngestFileSpec("late", "late.csv", None, optional=True)]

    assert sorted(match_files(folder, given)) == ["a", "b"]


def test_one_file_has_to_be_there(tmp_path: Path) -> None:
    """If all files are optional and none is there, that is a mistake."""
    with pytest.raises(IngestError, match="no file is there"):
        match_files(tmp_path, specs("*.csv", optional=True))


@pytest.mark.parametrize(
    "name, match", [("pupils.csv", "is a file: give its folder"), ("none", "is not there")]
)
def test_no_folder(folder: Path, name: str, match: str) -> None:
    """What is no folder is said to be none."""
    with pytest.raises(IngestError, match=match):
        match_files(folder / name, specs("*"))


def test_a_folder_without_a_name_is_not_the_present_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that is not set would take in whatever is there."""
    monkeypatch.chdir(folder)

    with pytest.raises(IngestError, match=r'folder "": .*\n  has no name: say which folder'):
        match_files("", specs("*"))


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_that_leads_nowhere_is_no_file(folder: Path) -> None:
    """A link to a file is a file; one to nothing is a mistake."""
    (folder / "linked.csv").symlink_to(folder / "pupils.csv")
    assert match_files(folder, specs("s*", "p*", "l*"))["c"].name == "linked.csv"

    (folder / "lost.csv").symlink_to(folder / "gone.csv")
    with pytest.raises(IngestError, match="a link that leads nowhere"):
        match_files(folder, specs("s*", "p*", "l*"))


@given(
    names=st.sets(st.text("ab", min_size=1, max_size=3), max_size=5),
    patterns=st.lists(st.text("ab*?", min_size=1, max_size=3), min_size=1, max_size=4),
)
def test_every_file_is_chosen_once_or_the_folder_is_refused(
    names: set[str], patterns: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Either each spec has one file and none is left, or there is an error."""
    folder = tmp_path_factory.mktemp("folder")
    for name in names:
        (folder / name).touch()
    found = {}
    with suppress(IngestError):
        found = match_files(folder, specs(*patterns))

    assert not found or {path.name for path in found.values()} == {*names}
    assert len(found) == len(set(found.values()))
    assert len(found) in (0, len(patterns))
