"""Where files are, and which texts may say so."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.errors import DefinitionError
from pypedream.files.paths import checked_path, folded, project_root, within


@pytest.mark.parametrize("mark", ["pyproject.toml", ".pypedream"])
def test_the_root_is_the_nearest_folder_with_a_mark(tmp_path, mark):
    """It is looked for from the pipeline's file up."""
    (tmp_path / "pyproject.toml").touch()
    project = tmp_path / "a" / "project"
    (project / "flows").mkdir(parents=True)
    (project / mark).touch()

    assert project_root(project / "flows" / "flow.py") == project
    assert project_root(project / "flows") == project
    assert project_root(tmp_path / "a" / "flow.py") == tmp_path


def test_the_root_without_a_mark(tmp_path, monkeypatch):
    """It is the folder of the pipeline's file, whatever the present folder is."""
    (tmp_path / "flows").mkdir()
    monkeypatch.chdir(tmp_path)

    assert project_root(Path("flows", "flow.py")) == tmp_path / "flows"


@pytest.mark.parametrize(
    "given, is_written",
    [
        ("data.csv", "data.csv"),
        ("./a//b/./c.csv", "a/b/c.csv"),
        ("results//", "results/"),
        ("results/.", "results/"),
        ("caf\N{LATIN SMALL LETTER E}\N{COMBINING ACUTE ACCENT}.csv", "café.csv"),
        ("data/**/[ab]?.csv", "data/**/[ab]?.csv"),
        (Path("a", "b.csv"), "a/b.csv"),
        (".hidden/x", ".hidden/x"),
        ("~draft.csv", "~draft.csv"),
        ("console.csv", "console.csv"),
    ],
)
def test_a_path_has_one_form(given, is_written):
    """However it is given, it is written the same way."""
    assert checked_path(given) == is_written


@pytest.mark.parametrize(
    "path, rule",
    [
        ("", "it names no file"),
        (".", "it names no file"),
        ("../x.csv", 'a part is ".."'),
        ("a/../b", 'a part is ".."'),
        ("..", 'a part is ".."'),
        ("/etc/passwd", "it is absolute; write it relative to the root of the project"),
        ("//server/share", "it is absolute; write it relative to the root of the project"),
        ("C:/data.csv", "it begins with a drive; write it relative to the root of the project"),
        ("c:data.csv", "it begins with a drive; write it relative to the root of the project"),
        ("./c:data.csv", "it begins with a drive; write it relative to the root of the project"),
        ("~/data.csv", "~ is not expanded; write it relative to the root of the project"),
        ("s3://bucket/x.csv", "it is a URL"),
        ("a\\b.csv", "it has a backslash; parts are separated by /"),
        ("a\0b", "it has a control character"),
        ("a\nb", "it has a control character"),
        ("\ud800", "it has half a character (a lone surrogate)"),
        ("a/NUL", '"NUL" is reserved by Windows'),
        ("con.csv", '"con.csv" is reserved by Windows'),
        ("a./b", '"a." ends with a dot or a blank'),
        ("a /b", '"a " ends with a dot or a blank'),
        (".pypedream/locks/a.json", ".pypedream holds no data of stages"),
        (".Git/hooks/x", ".Git holds no data of stages"),
        ("x" * 256, "a part is longer than 255 bytes"),
    ],
)
def test_a_text_that_cannot_be_a_path(path, rule):
    """One clear line names the rule, and shows nothing that a terminal would obey."""
    with pytest.raises(DefinitionError) as caught:
        checked_path(path)

    text = str(caught.value)
    assert text.endswith(f" cannot be a path of the project: {rule}")
    assert text.isprintable()


def test_bytes_are_no_path():
    """A path is a text."""

    class Odd(os.PathLike):
        def __fspath__(self):
            return b"x"

    with pytest.raises(DefinitionError, match="it is no text"):
        checked_path(Odd())


texts = st.text(st.sampled_from("ab./\\~:C \u0301e*é\n"), max_size=12)


@given(texts)
def test_what_was_checked_stays_as_it_is(text):
    """A checked path is its own form, relative, and stays below any root."""
    try:
        path = checked_path(text)
    except DefinitionError:
        return

    assert checked_path(path) == path == normalize("NFC", path)
    assert os.path.normpath(f"/root/{path}").startswith("/root/")
    assert folded(folded(path)) == folded(path)


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """A project with symbolic links."""
    root = tmp_path / "project"
    (root / "data").mkdir(parents=True)
    (root / "data" / "x.csv").touch()
    (tmp_path / "project-2").mkdir()
    try:
        (root / "near").symlink_to("data")
        (root / "far").symlink_to(tmp_path / "project-2")
        (root / "data" / "away.csv").symlink_to("/etc/hostname")
        (root / "gone").symlink_to("../missing")
    except OSError:
        pytest.skip("no symbolic links here")
    return root


@pytest.mark.parametrize("path", ["data/x.csv", "near/x.csv", "near/new.csv", "new/a/b.csv"])
def test_a_path_below_the_root(links, path):
    """A symbolic link may lead to another place of the project, and a file need not be there."""
    assert within(links, path) == links / path


def test_a_project_that_is_reached_by_a_link(links, tmp_path):
    """Where the project itself is does not matter."""
    (tmp_path / "project-2" / "here").symlink_to(links)

    assert within(tmp_path / "project-2" / "here", "near/x.csv").name == "x.csv"


@pytest.mark.parametrize("path", ["far/x.csv", "data/away.csv", "near/away.csv", "gone"])
def test_a_link_that_leaves_the_project(links, path):
    """It is refused when the path is used; the line names the link."""
    with pytest.raises(DefinitionError, match=r'leaves the project: the symbolic link "[a-z/.]+"'):
        within(links, path)


@pytest.mark.skipif(sys.platform == "win32", reason="a folder of this name cannot be there")
def test_a_folder_whose_name_begins_like_the_root(links):
    """The folder "project-2" is not inside of "project"."""
    with pytest.raises(DefinitionError, match="project-2"):
        within(links, "far/")
