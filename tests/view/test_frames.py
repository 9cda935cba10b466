from __future__ import annotations

import json
import traceback

from pypedream.view.frames import MOST_FRAMES, frames_in, frames_of


def fail(depth: int) -> None:
    """A docstring."""
    if depth:
        fail(depth - 1)
    raise ValueError("deep")


def caught(call) -> Exception:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError


def test_a_frame_has_the_line_and_its_neighbours():
    """Three lines of source, as far as they belong to the function."""
    frame = frames_of(caught(lambda: fail(0)).__traceback__)[-1]

    assert frame.function == "fail"
    assert [text.strip() for _, text in frame.lines] == [
        "fail(depth - 1)",
        'raise ValueError("deep")',
    ]
    assert frame.line == frame.lines[-1][0]
    assert frame.place.endswith(f"test_frames.py:{frame.line}")


def test_frames_of_libraries_are_left_out():
    """Where a library raises, the line to look at is the user's that called it."""
    frames = frames_of(caught(lambda: json.loads("{")).__traceback__)

    assert {frame.place.partition(":")[0][-14:] for frame in frames} == {"test_frames.py"}


def test_of_a_deep_recursion_both_ends_are_shown():
    """The outermost and the innermost frames."""
    frames = frames_of(caught(lambda: fail(50)).__traceback__)

    assert len(frames) == MOST_FRAMES
    assert frames[0].function == "caught"
    assert frames[-1].function == "fail"


def test_the_text_of_a_traceback_has_the_same_frames():
    """A record keeps one line of source for each frame."""
    error = caught(lambda: fail(0))

    recorded = frames_in("".join(traceback.format_exception(error)))

    live = frames_of(error.__traceback__)
    assert [frame.place for frame in recorded] == [frame.place for frame in live]
    assert recorded[-1].lines == ((live[-1].line, 'raise ValueError("deep")'),)


def test_any_text_may_stand_in_a_record():
    """What is no traceback has no frames."""
    assert frames_in("") == frames_in('File "x", line y') == ()
