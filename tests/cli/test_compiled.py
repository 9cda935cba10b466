"""The code of a pipeline's file, kept for the next time; the text in the file decides."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from pypedream.cli.compiled import keep_code, kept_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = b"VALUE = 1\n" + b"#" * 5_000 + b"\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of a project that was at rest before."""
    (tmp_path / ".pypedream" / "rest").mkdir(parents=True, mode=0o700)
    path = tmp_path / "pipeline.py"
    path.write_bytes(TEXT)
    return path


def keep(file: Path) -> None:
    text = file.read_bytes()
    keep_code(str(file), text, compile(text, str(file), "exec"))


def kept(file: Path) -> object:
    """What the kept code says; None if there is none that counts."""
    code = kept_code(str(file), file.read_bytes())
    names: dict[str, object] = {}
    exec(code or "VALUE = None", names)
    return names["VALUE"]


def only(file: Path) -> Path:
    (place,) = (file.parent / ".pypedream" / "rest").iterdir()
    return place


def test_it_counts_while_the_file_is_what_it_was(file: Path) -> None:
    """Nothing is compiled then."""
    keep(file)

    assert kept(file) == 1


def same_size_and_time(file: Path) -> None:
    before = file.stat()
    file.write_bytes(TEXT.replace(b"1", b"2"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def in_another_clone(file: Path) -> None:
    """What comes with a repository is of no file here, though all texts are the same."""
    shutil.copytree(file.parent, file.parent / "clone")
    shutil.move(file.parent / "clone" / "pipeline.py", file)


CHANGES: dict[str, Callable[[Path], object]] = {
    "its text": lambda file: file.write_bytes(TEXT.replace(b"1", b"3")),
    "its text, not its size and time": same_size_and_time,
    "its time": os.utime,
    "the file, by one that is equal": in_another_clone,
    "what is kept": lambda file: only(file).write_bytes(only(file).read_bytes()[:-1] + b"x"),
    "what is kept, to nothing": lambda file: only(file).write_bytes(b""),
    "who may write it": lambda file: only(file).parent.chmod(0o777),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_it_does_not_count_after_a_change(file: Path, change: Callable[[Path], object]) -> None:
    """The file is compiled again then."""
    keep(file)
    change(file)

    assert kept(file) is None


def test_another_python_compiles_for_itself(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code is of one version."""
    keep(file)
    monkeypatch.setattr(sys, "version", "3.99")

    assert kept(file) is None


def test_a_short_text_is_not_kept(file: Path) -> None:
    """It is compiled in no time."""
    file.write_bytes(b"VALUE = 1\n")
    keep(file)

    assert not list((file.parent / ".pypedream" / "rest").iterdir())


def test_only_repro_keeps_code(project: Path, shell: Callable[..., tuple[int, str, str]]) -> None:
    """Other commands write nothing, and run what is in the file."""
    text = (project / "pipeline.py").read_text()
    (project / "pipeline.py").write_text(f"{text}\n#{'x' * 5_000}\n")
    rest = project / ".pypedream" / "rest"

    shell("run")
    assert not rest.exists()
    shell("repro")
    assert len([*rest.glob("~*.code")]) == 1
    assert "2 reused" in shell("repro")[1]
