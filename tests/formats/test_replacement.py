"""A file or folder is there as a whole or as it was before."""

from __future__ import annotations

import os
import stat
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from pypedream.formats.replacement import replace, replacing, replacing_folder

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="modes are a matter of POSIX")


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    """Until then only a hidden file beside it is there, with the same ending."""
    path = tmp_path / "table.csv.gz"

    with replacing(path) as beside:
        beside.write_text("new")
        assert not path.exists()
        assert beside.name.endswith(".csv.gz")
        assert beside.parent == tmp_path

    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_when_the_current_folder_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An absolute path does not need it."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with replacing(tmp_path / "x.txt") as beside:
        beside.write_text("new")

    assert (tmp_path / "x.txt").read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_the_old_file(
    tmp_path: Path, error: type[BaseException]
) -> None:
    """The old content stays and nothing else does."""
    path = tmp_path / "x.txt"
    path.write_text("old")

    def write_half() -> None:
        with replacing(path) as beside:
            beside.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@on_posix
def test_a_new_file_has_the_mode_of_any_new_file(tmp_path: Path, umask: None) -> None:
    """While it is written it is private; then the umask decides."""
    with replacing(tmp_path / "x") as beside:
        assert mode(beside) == 0o600

    assert mode(tmp_path / "x") == 0o640


@on_posix
def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    """Replacing a file does not open it to others."""
    path = tmp_path / "x"
    path.touch(0o600)

    with replacing(path) as beside:
        beside.write_text("new")

    assert mode(path) == 0o600


@on_posix
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What the link points to is replaced."""
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "x")

    with replacing(tmp_path / "link") as beside:
        beside.write_text("new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far" / "x").read_text() == "new"


def test_missing_folders_are_made(tmp_path: Path) -> None:
    """A path may be in a folder that is not there yet."""
    with replacing(tmp_path / "a" / "b" / "x") as beside:
        beside.write_text("new")

    assert (tmp_path / "a" / "b" / "x").read_text() == "new"


def test_the_longest_name_is_possible(tmp_path: Path) -> None:
    """A name of 255 letters with a long ending has room for the file beside it."""
    path = tmp_path / ("x." + 253 * "y")

    with replacing(path) as beside:
        beside.write_text("new")

    assert path.read_text() == "new"


@pytest.mark.parametrize("before", ["folder", "file", "nothing"])
def test_a_folder_takes_the_place_of_what_was_there(tmp_path: Path, before: str) -> None:
    """A folder replaces a folder or a file; of the old one nothing is left."""
    path = tmp_path / "store.zarr"
    if before == "folder":
        path.mkdir()
        (path / "old").touch()
    elif before == "file":
        path.touch()

    with replacing_folder(path) as beside:
        beside.mkdir()
        (beside / "new").touch()

    assert [one.name for one in path.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    """The old folder is untouched and the half of the new one is removed."""
    path = tmp_path / "store.zarr"
    path.mkdir()
    (path / "old").touch()

    def make_half() -> None:
        with replacing_folder(path) as beside:
            beside.mkdir()
            (beside / "new").touch()
            raise ValueError("broke")

    with pytest.raises(ValueError, match="broke"):
        make_half()

    assert [one.name for one in path.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_was_not_made_is_an_error(tmp_path: Path) -> None:
    """When the block made nothing, what was there comes back."""
    path = tmp_path / "store.zarr"
    path.mkdir()

    with pytest.raises(FileNotFoundError), replacing_folder(path):
        pass

    assert list(tmp_path.iterdir()) == [path]


def test_what_is_being_written_anyway(tmp_path: Path) -> None:
    """What is new and has such a name is made at its place, and goes when the block raises."""
    path, folder = tmp_path / ".tmp-1.csv", tmp_path / ".tmp-2"

    def write(end: type[BaseException] | None = None) -> None:
        with replacing(path) as beside, replacing_folder(folder) as inside:
            assert (beside, inside) == (path, folder)
            beside.write_text("new")
            inside.mkdir()
            if end is not None:
                raise end

    with pytest.raises(KeyboardInterrupt):
        write(KeyboardInterrupt)
    assert list(tmp_path.iterdir()) == []

    write()
    assert sorted(tmp_path.iterdir()) == [path, folder]

    with replacing(path) as beside:
        assert beside != path


@on_posix
@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("permissions", [0o604, 0o666], ids=oct)
def test_a_file_is_replaced_by_what_is_known(tmp_path: Path, permissions: int) -> None:
    """It has the mode of the file that was there, or that of any new one, and nothing is left."""
    old, new, link = tmp_path / "old.txt", tmp_path / "deep" / "new.txt", tmp_path / "link"
    old.write_text("old")
    old.chmod(permissions)
    link.symlink_to(old)

    replace(link, b"newer")
    replace(new, memoryview(array("i", [1, 2])))

    assert old.read_text() == "newer"
    assert link.is_symlink()
    assert new.read_bytes() == array("i", [1, 2]).tobytes()
    assert (mode(old), mode(new)) == (permissions, 0o640)
    assert sorted(tmp_path.rglob("*")) == [new.parent, new, link, old]


def test_what_cannot_be_replaced(tmp_path: Path) -> None:
    """What was there stays and nothing else does."""
    (tmp_path / "folder" / "inside").mkdir(parents=True)

    with pytest.raises(OSError, match="folder"):
        replace(tmp_path / "folder", b"new")

    assert sorted(tmp_path.rglob("*")) == [tmp_path / "folder", tmp_path / "folder" / "inside"]
