"""What a stage wrote is put back from the store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pypedream.errors import MissingEntry
from pypedream.files.blobs import FileBlobs
from pypedream.files.hashes import FileHashes
from pypedream.files.keeping import KeptFiles
from pypedream.files.spec import FileOut, FileSpec
from pypedream.files.stage_files import StageFiles
from pypedream.files.staging import recover
from pypedream.files.written import Written, WrittenFile
from pypedream.formats import JSON
from pypedream.store import CacheStore
from tests.files.kills import killed_at

NEW = {"m.json": "1", "parts/a.json": "2", "parts/c.json": "3", "deep/er/z.json": "4"}
OLD = {"m.json": "old", "parts/a.json": "old", "parts/b.json": "old"}

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no child comes off a process here")


def written(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def content(root: Path) -> dict[str, str]:
    paths = (path for path in root.rglob("*") if path.is_file() and ".pypedream" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_text() for path in paths}


def kept(root: Path) -> KeptFiles:
    return KeptFiles(lambda: CacheStore(root / ".pypedream" / "store"))


def of_stage(root: Path) -> Written:
    """Return what a stage wrote: the new files, copies of which are in the store."""
    written(root, NEW)
    hashes = FileHashes(root / ".pypedream", root)
    told = {path: hashes.digest(path) for path in NEW}
    store = CacheStore(root / ".pypedream" / "store")
    for path, digest in told.items():
        FileBlobs(store).keep(root / path, digest)
    store.close()
    outs = {
        "all": FileOut("m.json", JSON(), "out"),
        "parts": FileOut("parts/", JSON(), "directory"),
    }
    files = StageFiles(FileSpec({}, outs), str(root))
    return Written(
        {"all": tuple(WrittenFile(path, one.sha256, one.size) for path, one in told.items())}, files
    )


def with_old_files(root: Path) -> Written:
    found = of_stage(root)
    for path in NEW:
        (root / path).unlink()
    (root / "deep" / "er").rmdir()
    (root / "deep").rmdir()
    written(root, OLD)
    return found


def test_all_files_of_a_stage_are_put_back(tmp_path):
    """Others that are in a folder that it writes as a whole go, and nothing else is left."""
    found = with_old_files(tmp_path)

    assert kept(tmp_path).restore(str(tmp_path), found) == list(NEW)
    assert content(tmp_path) == NEW


def test_nothing_is_put_back_where_one_has_no_copy(tmp_path):
    """Nor is anything removed."""
    found = with_old_files(tmp_path)
    store = CacheStore(tmp_path / ".pypedream" / "store")
    store.delete(f"file/{found.fields['all'][0].sha256}", dry_run=False)

    with pytest.raises(MissingEntry, match=r'"m\.json" is not what was written, and no copy'):
        kept(tmp_path).restore(str(tmp_path), found)

    assert content(tmp_path) == OLD


def test_a_file_in_the_place_of_a_folder_is_moved_away(tmp_path):
    """If it is one that the stage did not write."""
    found = of_stage(tmp_path)
    inner = tmp_path / "parts" / "c.json"
    inner.unlink()
    written(tmp_path, {"parts/d.json": "old"})
    one = found.fields["all"][2]
    below = WrittenFile("parts/d.json/c.json", one.sha256, one.size)
    wanted = Written({"all": (*found.fields["all"][:2], below)}, found.files)

    assert kept(tmp_path).restore(str(tmp_path), wanted) == ["parts/d.json/c.json"]
    assert (tmp_path / "parts" / "d.json" / "c.json").read_text() == "3"


@forks
def test_whoever_is_killed_while_files_are_put_back(tmp_path):
    """Leaves all old ones or all new ones, as soon as the next run has looked."""
    ends = []
    for k in range(1, 200):
        root = tmp_path / str(k)
        root.mkdir()
        found = with_old_files(root)
        is_killed = killed_at(k, lambda: kept(root).restore(str(root), found))  # noqa: B023
        recover(root / ".pypedream")
        now = content(root)
        if now != OLD:
            now.pop("parts/b.json", None)  # it goes last
        assert now in (OLD, NEW)
        ends.append(now == NEW)
        if not is_killed:
            break
    assert ends[0] is False
    assert ends[-1] is True
