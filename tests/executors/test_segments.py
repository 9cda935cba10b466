from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream.executors.jobs import Row
from pypedream.executors.segments import Segment, Tail


def row(text: str | None, data: dict[str, Any] | None = None, key: Any = None) -> Row:
    return (1_700_000_000_000_000_000, key, "print", "info", text, "stdout", data)


def tail_at(path: Path, *, is_ours: bool = False) -> Tail:
    tail = Tail(str(path), is_ours=is_ours)
    assert tail.create()
    return tail


def segment_of(tail: Tail, secrets: tuple[str, ...] = ()) -> Segment:
    segment = Segment.opened(tail.path, tail.mark, secrets)
    assert segment is not None
    return segment


@contextmanager
def small_disk(size_bytes: int) -> Iterator[None]:
    """No file of this process can grow beyond *size_bytes*."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_rows_arrive_once_and_in_order(tmp_path: Path) -> None:
    """Each row is read once, whether it was written before the last look or after it."""
    tail = tail_at(tmp_path / "log")
    segment = segment_of(tail)

    segment.write([row("one"), row("two", {"rows": 52}, key="a")])
    first = tail.read()
    segment.write([row("three", key=3)])
    second = tail.read()

    assert first == [row("one"), row("two", {"rows": 52}, key="a")]
    assert second == [row("three", key=3)]
    assert tail.read() == []
    assert tail.has(segment.size_bytes)


@given(pieces=st.lists(st.text(), max_size=5), cut=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_any_text_survives_wherever_a_look_cuts_it(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], cut: int
) -> None:
    """Text with form feeds or halves of surrogate pairs comes back, also when read in two."""
    written = tail_at(tmp_path_factory.mktemp("s") / "log")
    segment_of(written).write([row(piece) for piece in pieces])
    data = Path(written.path).read_bytes()
    copied = tail_at(tmp_path_factory.mktemp("s") / "log")
    head = Path(copied.path).stat().st_size
    middle = min(head + cut, len(data))

    read = []
    for start, end in ((head, middle), (middle, len(data))):
        with open(copied.path, "ab") as file:
            file.write(data[start:end])
        read += copied.read()

    shown = [piece.encode("utf-8", "backslashreplace").decode() for piece in pieces]
    assert [text for _, _, _, _, text, _, _ in read] == shown
    assert copied.torn == 0


def test_a_torn_last_line_is_left_out_and_counted(tmp_path: Path) -> None:
    """What a killed writer began to write is not taken for a row."""
    tail = tail_at(tmp_path / "log")
    segment_of(tail).write([row("whole")])
    with open(tail.path, "ab") as file:
        file.write(b'[17,null,"pri')

    rows = tail.read()
    tail.close()

    assert rows == [row("whole")]
    assert tail.torn == 1


def test_a_job_that_is_started_again_goes_on_behind_a_torn_line(tmp_path: Path) -> None:
    """A second writer of the same segment loses nothing of its own."""
    tail = tail_at(tmp_path / "log")
    segment_of(tail).write([row("first")])
    with open(tail.path, "ab") as file:
        file.write(b'[17,null,"pri')

    again = segment_of(tail)
    again.write([row("second")])

    assert tail.read() == [row("first"), row("second")]
    assert tail.torn == 1
    assert tail.has(again.size_bytes)


@pytest.mark.parametrize("content", [None, b"", b"somebody else's\n" * 10], ids=str)
def test_a_file_without_the_mark_is_not_written(tmp_path: Path, content: bytes | None) -> None:
    """On a machine that does not share the folder, a file of that name is another one."""
    path = tmp_path / "log"
    if content is not None:
        path.write_bytes(content)

    assert Segment.opened(str(path), "0" * 32) is None
    assert content is None or path.read_bytes() == content


def test_what_a_full_disk_does_not_take_comes_back(tmp_path: Path) -> None:
    """Rows are in the file or returned, never both and never neither."""
    tail = tail_at(tmp_path / "log")
    segment = segment_of(tail)
    rows = [row("x" * 100 + str(number)) for number in range(20)]

    with small_disk(1000):
        left = [*segment.write(rows[:10]), *segment.write(rows[10:])]

    read = tail.read()
    tail.close()
    assert 0 < len(read) < 10
    assert [*read, *left] == rows
    assert tail.torn == 1


def test_secrets_are_not_in_the_file(tmp_path: Path) -> None:
    """Secrets in texts, keys and data are hidden before they are written."""
    tail = tail_at(tmp_path / "log")
    segment = segment_of(tail, ("hunter2",))

    segment.write([row("login with hunter2", {"url": "x?y=hunter2", "password": "p"}, "hunter2")])

    assert b"hunter2" not in Path(tail.path).read_bytes()
    assert tail.read() == [row("login with ***", {"url": "x?y=***", "password": "***"}, "***")]


def test_the_file_is_private(tmp_path: Path) -> None:
    """Nobody else can read what stages print."""
    tail = tail_at(tmp_path / "log")

    assert os.stat(tail.path).st_mode & 0o077 == 0


def test_a_file_that_exists_is_left_alone(tmp_path: Path) -> None:
    """A segment of an earlier attempt is not written over."""
    path = tmp_path / "log"
    path.write_text("kept")

    assert not Tail(str(path)).create()
    assert path.read_text() == "kept"


@pytest.mark.parametrize("how", ["closed", "dropped"])
def test_only_files_that_nobody_asked_for_are_removed(tmp_path: Path, how: str) -> None:
    """A segment in a folder of the user's stays; a temporary one goes, also if it is forgotten."""
    asked = tail_at(tmp_path / "asked")
    ours = tail_at(tmp_path / "ours", is_ours=True)

    if how == "closed":
        asked.close()
        ours.close()
    del asked, ours

    assert [path.name for path in tmp_path.iterdir()] == ["asked"]


def test_the_call_that_is_being_made_is_known(tmp_path: Path) -> None:
    """The parent sees which call began last, and None before the first."""
    tail = tail_at(tmp_path / "log")
    before = tail.index()
    segment = segment_of(tail)

    indices = []
    for index in (0, 7):
        segment.at[0] = index + 1
        indices.append(tail.index())

    assert (before, indices) == (None, [0, 7])
