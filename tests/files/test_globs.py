"""Which files a pattern stands for."""

from __future__ import annotations

import glob
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.errors import DefinitionError
from pypedream.files.globs import expanded, fixed_part, matches, may_match_in

FILES = ("a.csv", "B.csv", "a.txt", "d/a.csv", "d/e/a.csv", "d/e/f.csv", ".h/a.csv", "d/.x.csv")


def project(root: Path) -> Path:
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    "pattern, files",
    [
        ("*.csv", ["B.csv", "a.csv"]),
        ("[ab].csv", ["a.csv"]),
        ("d/*", ["d/a.csv"]),
        ("*/a.csv", ["d/a.csv"]),
        ("**/a.csv", ["a.csv", "d/a.csv", "d/e/a.csv"]),
        ("d/**", ["d/a.csv", "d/e/a.csv", "d/e/f.csv"]),
        ("**/e/*.csv", ["d/e/a.csv", "d/e/f.csv"]),
        (".*/*.csv", [".h/a.csv"]),
        ("d/.*", ["d/.x.csv"]),
        ("a.c[s]v", ["a.csv"]),
        ("none/*.csv", []),
        ("a.csv/*", []),
        ("d/?", []),
    ],
)
def test_the_files_of_a_pattern(tmp_path, pattern, files):
    """They come in order; folders and hidden names are no match."""
    assert expanded(project(tmp_path), pattern) == files


parts = st.sampled_from(["*", "**", "?", "a.csv", "d", "e", "*.csv", "[a-d]*", "B*"])
patterns = st.lists(parts, min_size=1, max_size=4).map("/".join)


@pytest.mark.skipif(sys.platform == "win32", reason="there capitals do not count for Python")
@given(st.lists(patterns, min_size=1, max_size=20))
def test_a_pattern_means_what_it_means_in_python(some):
    """The files are those that `glob` finds, and exactly those that `matches` says."""
    with TemporaryDirectory() as name:
        root = project(Path(name))
        for pattern in some:
            theirs = glob.glob(pattern, root_dir=root, recursive=True)
            # "a.csv/**" finds "a.csv/" there, which is no file
            files = sorted({path for path in theirs if os.path.isfile(f"{root}/{path}")})

            assert expanded(root, pattern) == files
            assert [path for path in sorted(FILES) if matches(pattern, path)] == files


@given(patterns, st.sampled_from(FILES))
def test_what_matches_in_a_folder_may_match_there(pattern, path):
    """A pattern that matches a file may match in each of its folders, and begins with its own."""
    folders = path.split("/")[:-1]

    if matches(pattern, path):
        assert all(may_match_in(pattern, "/".join(folders[:n])) for n in range(1, len(folders) + 1))
        assert f"/{path}".startswith(f"/{fixed_part(pattern)}")


def test_links_that_lead_in_circles(tmp_path):
    """The search ends, and a link to a file is a file."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.csv").touch()
    try:
        (tmp_path / "d" / "again").symlink_to("..")
        (tmp_path / "d" / "b.csv").symlink_to("a.csv")
    except OSError:
        pytest.skip("no symbolic links here")

    assert expanded(tmp_path, "**/*.csv") == ["d/a.csv", "d/b.csv"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize(
    "name, reason",
    [("cafe\u0301.csv", "is not in the form NFC of Unicode: rename it"), ("a\\b.csv", "backslash")],
)
def test_a_file_whose_name_is_not_the_same_everywhere(tmp_path, name, reason):
    """It is not left out silently: the line says what is wrong with its name."""
    (tmp_path / name).touch()

    with pytest.raises(DefinitionError, match=reason):
        expanded(tmp_path, "*.csv")
