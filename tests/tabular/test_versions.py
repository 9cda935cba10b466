from __future__ import annotations

import os

import pytest

from pypedream.tabular import versions
from pypedream.tabular.versions import Stamp, keep_version, new_version, restore_version


def no_links(*_):
    raise OSError("no hard links here")


@pytest.mark.parametrize("has_links", [True, False], ids=["links", "copies"])
def test_a_version_that_was_kept_is_what_was_there_then(tmp_path, monkeypatch, has_links):
    """Whatever was put in place since, with hard links and without."""
    if not has_links:
        monkeypatch.setattr(versions.os, "link", no_links)
    path, kept = tmp_path / "a.txt", tmp_path / "kept" / "a.txt"
    path.write_text("one")
    keep_version(path, kept, is_ours=True)
    with new_version(path) as beside:
        beside.write_text("two")

    assert (path.read_text(), kept.read_text()) == ("two", "one")
    restore_version(kept, path)
    assert (path.read_text(), kept.read_text()) == ("one", "one")
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "kept"]


def test_to_keep_or_restore_what_is_there_leaves_nothing_beside(tmp_path):
    """A system renames nothing when both names are of one file."""
    path, kept = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_text("one")
    keep_version(path, kept, is_ours=True)

    keep_version(path, kept, is_ours=True)
    restore_version(kept, path)

    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.txt"]


def test_a_kept_version_costs_no_space_where_only_versions_are_written(tmp_path):
    """It is another name of the file; what others may write into is copied."""
    path = tmp_path / "a.txt"
    path.write_text("one")

    keep_version(path, tmp_path / "linked", is_ours=True)
    keep_version(path, tmp_path / "copied", is_ours=False)
    path.write_text("changed")

    assert Stamp.of(path) == Stamp.of(tmp_path / "linked")
    assert (tmp_path / "copied").read_text() == "one"


def test_what_was_there_stays_when_the_writer_raises(tmp_path):
    """And nothing is left beside it."""
    path = tmp_path / "a.txt"
    path.write_text("one")

    def write():
        with new_version(path) as beside:
            beside.write_text("two")
            raise ValueError("full")

    with pytest.raises(ValueError, match="full"):
        write()

    assert path.read_text() == "one"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_version_that_is_not_there_cannot_be_restored(tmp_path):
    """It is an error, and the file stays as it is."""
    path = tmp_path / "a.txt"
    path.write_text("one")

    with pytest.raises(FileNotFoundError):
        restore_version(tmp_path / "nothing", path)

    assert path.read_text() == "one"
