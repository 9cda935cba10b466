"""The record of results: nothing is lost to a passing fault."""

from __future__ import annotations

import json
import sys

import pytest

from pypedream.engine.calls import Call, Told
from pypedream.engine.result_log import FILE, ResultLine, ResultLog, recorded_results
from pypedream.store.identity import CodeIdentity

MISUSES = [None, 1, [], {}, "text", ["text"], {"a": 1}]


def places(document):
    """Yield where each value of a document is."""
    for name in list(document) if isinstance(document, dict) else range(len(document)):
        yield document, name
        if isinstance(document[name], (dict, list)):
            yield from places(document[name])


def line(stage):
    code = CodeIdentity("code", {"part": "1"}, {"part": ("part", "f.py", 1)})
    call = Call("", code, {"x": Told("y", "1")})
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


def test_a_line_of_other_types_says_nothing(tmp_path):
    """Whatever stands in place of a value, a line that is taken has the types that it promises."""
    taken = 0
    for number in range(sum(1 for _ in places(json.loads(line("first").text())))):
        for misuse in MISUSES:
            document = json.loads(line("first").text())
            place, name = list(places(document))[number]
            place[name] = misuse
            (tmp_path / FILE).write_text(json.dumps(document))

            for found in recorded_results(tmp_path).lines.values():
                taken += 1
                call = found.call
                texts = [found.stage, found.state, found.key, found.identity, found.run, call.key]
                texts += [call.code.digest, *call.code.parts.values(), *call.code.shown.values()]
                for told in call.inputs.values():
                    texts += [told.source, told.digest, told.shown]
                assert {type(text) for text in texts} == {str}
                assert type(found.duration_s) in (int, float)
    assert taken > 10
