"""Stages do not leave their project, whatever links there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest

from pypedream.errors import DefinitionError
from pypedream.files import JSON, Dep, Out
from pypedream.files.hashes import FileHashes
from pypedream.files.keeping import KeptFiles
from pypedream.files.spec import spec_of
from pypedream.files.stage_files import StageFiles
from pypedream.files.written import Written, WrittenFile
from pypedream.store import CacheStore

LEAVES = 'leaves the project: the symbolic link "link" leads to '


def read_one(rows: Annotated[list, Dep("link/x.json", JSON())]) -> int:
    return len(rows)


def write_one() -> Annotated[list, Out("link/y.json", JSON())]:
    return [1]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a link to a folder that is none of it, where there is a file."""
    root = tmp_path / "project"
    (root / ".pypedream").mkdir(parents=True)
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "x.json").write_text("[1]")
    try:
        (root / "link").symlink_to(tmp_path / "away")
    except OSError:
        pytest.skip("no symbolic links here")
    monkeypatch.chdir(root)
    return root


def test_a_stage_reads_nothing_outside(project):
    """The line names the link, and the stage is not called."""
    with pytest.raises(DefinitionError, match=LEAVES):
        files_of(read_one, project).ref("rows").load()


def test_a_stage_writes_nothing_outside(project):
    """What is there stays, and nothing comes to it."""
    with pytest.raises(DefinitionError, match=LEAVES):
        files_of(write_one, project).call(write_one)()

    assert [path.name for path in (project.parent / "away").iterdir()] == ["x.json"]


def test_nothing_is_restored_outside(project):
    """A copy does not take the place of a file that a link has come to lead to."""
    (project / "z.json").write_text("[2]")
    digest = FileHashes(project / ".pypedream").digest("z.json")
    kept = KeptFiles(lambda: CacheStore(project / ".pypedream" / "store"))
    written = Written({"return": (WrittenFile("z.json", digest.sha256, digest.size),)})
    kept.keep(str(project), written)
    (project / "z.json").unlink()
    (project / "z.json").symlink_to(project.parent / "away" / "x.json")

    with pytest.raises(DefinitionError, match="leaves the project"):
        list(kept.restore(str(project), written))

    assert (project.parent / "away" / "x.json").read_text() == "[1]"


def files_of(function, root: Path) -> StageFiles:
    """Return the files of a function as those of a stage in a project."""
    spec = spec_of(function)
    assert spec is not None
    return StageFiles(spec, str(root))
