"""The record of results: nothing is lost to a passing fault."""

from __future__ import annotations

import sys

import pytest

from pypedream.engine.calls import Call, Told
from pypedream.engine.result_log import FILE, ResultLine, ResultLog, recorded_results
from pypedream.store.identity import CodeIdentity


def line(stage):
    call = Call(
        "",
        CodeIdentity("code", {"part": "1"}, {"part": ("part", "f.py", 1)}),
        {"x": Told("y", "1")},
    )
    return ResultLine(stage, "ok", f"of-run/{stage}", "what", "run", 0.5, call)


@pytest.fixture
def said():
    return []


@pytest.mark.parametrize("last", ["a line", "the end"])
def test_what_could_not_be_written_is_written_later(tmp_path, said, last):
    """With the next line, or when the file is closed; it is said once."""
    folder = tmp_path / "later"
    log = ResultLog(folder / FILE, said.append)
    log.add([line("first").text()])
    log.add([line("second").text()])
    folder.mkdir()

    if last == "a line":
        log.add([line("third").text()])
        assert "third" in recorded_results(folder).lines
    log.close()

    found = recorded_results(folder).lines
    assert list(found)[:2] == ["first", "second"]
    assert found["first"] == line("first")
    assert said == [f"cannot write {folder / FILE}: No such file or directory"]


def test_what_can_never_be_written_is_no_error(tmp_path, said):
    """Whoever reads the record finds nothing."""
    log = ResultLog(tmp_path / "never" / FILE, said.append)
    log.add([line("first").text()])
    log.close()

    assert len(said) == 1
    assert recorded_results(tmp_path / "never").lines == {}


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_part_of_a_line_is_completed(tmp_path, said):
    """A full disk takes a part; when there is room again, the line goes on where it ended."""
    import resource
    import signal

    log = ResultLog(tmp_path / FILE, said.append)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        log.add([line("first").text()])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / FILE).stat().st_size == 100
    assert recorded_results(tmp_path).lines == {}

    log.add([line("second").text()])

    assert list(recorded_results(tmp_path).lines) == ["first", "second"]
    assert said == [f"cannot write {tmp_path / FILE}: File too large"]
