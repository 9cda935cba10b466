"""From the value of an output to files."""

from __future__ import annotations

import pytest

from pypedream.files import JSON, FileOut
from pypedream.files.directory import checked_directory, files_of

FOLDER = FileOut("results/", JSON(), "directory")


def test_files_of_a_folder():
    """Each key is a file of the folder; parts of a key are folders in it."""
    value = {"a.json": 1, "deep/er/b.json": 2, "./c.tar.gz": 3}

    assert checked_directory(value, FOLDER) == {"a.json": 1, "deep/er/b.json": 2, "c.tar.gz": 3}
    assert list(files_of({"a.json": 1}, FOLDER)) == ["results/a.json"]


def test_names_are_in_the_normal_form():
    """A letter with an accent is one letter on every system."""
    assert list(checked_directory({"Zu\u0308rich.json": 1}, FOLDER)) == ["Z\u00fcrich.json"]


@pytest.mark.parametrize(
    "key, message",
    [
        ("task_a", 'DirectoryOut key must have extension: "task_a"; use "task_a.json"'),
        (".json", 'DirectoryOut key must have extension: ".json"; use ".json.json"'),
        ("a.json/", 'DirectoryOut key must have extension: "a.json/"; use "a.json.json"'),
        ("../a.json", 'DirectoryOut key "../a.json" cannot be a path of the project: a part is'),
        ("x/../a.json", 'DirectoryOut key "x/../a.json" cannot be a path of the project: a part'),
        ("/a.json", 'DirectoryOut key "/a.json" cannot be a path of the project: it is absolute'),
        ("C:/a.json", 'DirectoryOut key "C:/a.json" cannot be a path of the project: it begins wi'),
        (
            "a\\b.json",
            "DirectoryOut key 'a\\\\b.json' cannot be a path of the project: it has a back",
        ),
        ("", 'DirectoryOut key "" cannot be a path of the project: it names no file'),
        (3, "DirectoryOut key must be a text: 3 is none"),
    ],
    ids=repr,
)
def test_keys_that_are_no_files(key, message):
    """Extension, traversal, absolute paths, backslashes and what is no text."""
    with pytest.raises(ValueError, match=r"^DirectoryOut key") as caught:
        checked_directory({"good.json": 0, key: 1}, FOLDER)

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "keys, message",
    [
        (("a.json", "./a.json"), 'DirectoryOut keys "a.json" and "./a.json" are the same file'),
        (
            ("A.json", "a.JSON"),
            (
                'DirectoryOut keys "A.json" and "a.JSON" are the same file on systems'
                " that ignore case"
            ),
        ),
        (("u\u0308.json", "\u00fc.json"), "are the same file"),
        (
            ("x.json/b.json", "X.json"),
            ('DirectoryOut key "x.json/b.json" is inside of "X.json", which is a file'),
        ),
    ],
    ids=["duplicate", "case", "NFC", "inside"],
)
def test_keys_that_are_one_file(keys, message):
    """Duplicates after normalising, on systems without case too, and files that are folders."""
    with pytest.raises(ValueError, match=r"^DirectoryOut key") as caught:
        checked_directory(dict.fromkeys(keys, 1), FOLDER)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_keys_that_are_wrong_are_told():
    """In one line."""
    with pytest.raises(ValueError, match=r"^DirectoryOut key") as caught:
        checked_directory({"a": 1, 2: 2, "../c.json": 3}, FOLDER)

    assert len(str(caught.value).split("; DirectoryOut")) == 3


def test_an_empty_dict_writes_nothing():
    """A folder without files is no output."""
    with pytest.raises(ValueError, match=r'^DirectoryOut dict must not be empty: "results/" would'):
        checked_directory({}, FOLDER)


@pytest.mark.parametrize("value", [[1], None, "a.json"], ids=repr)
def test_a_folder_takes_a_dict(value):
    """Nothing else."""
    with pytest.raises(TypeError, match=r"^DirectoryOut takes a dict of files, no "):
        checked_directory(value, FOLDER)


def test_one_file_and_several():
    """One path takes the value, several as many values."""
    several = FileOut(["a.json", "b.json"], JSON())

    assert files_of([1, 2], FileOut("a.json", JSON())) == {"a.json": [1, 2]}
    assert files_of((1, 2), several) == {"a.json": 1, "b.json": 2}
    with pytest.raises(ValueError, match=r"^2 files take as many values, not 3$"):
        files_of([1, 2, 3], several)
    with pytest.raises(
        TypeError, match=r"^2 files take a list or tuple of as many values, no dict$"
    ):
        files_of({}, several)
