from __future__ import annotations

from pypedream import Pipeline, logger
from pypedream.view.hearing import MOST_LINES, heard


def test_a_stage_is_heard_from_start_to_end():
    """Its lines in order, its span, and how many warnings and errors there were."""
    flow = Pipeline("talk")

    @flow.stage
    def talk():
        print("one\ntwo")
        logger.warning("odd", rows=3, name="a b")
        logger.error("worse")

    run = flow.run()

    found = heard(run.events)
    said = found.said["talk"]
    assert [(line.text, line.level) for line in said.head] == [
        ("one", "info"),
        ("two", "info"),
        ('warning: odd rows=3 name="a b"', "warning"),
        ("error: worse", "error"),
    ]
    assert (said.warnings, said.errors, said.left_out) == (1, 1, 0)
    span = found.span("talk")
    assert span is not None
    assert 0 <= span[0] <= span[1] <= found.last_s
    assert found.started.startswith("20")


def test_of_many_lines_both_ends_are_kept():
    """The number of the others is known."""
    flow = Pipeline("talk")
    flow.stage("talk")(lambda: [print(number) for number in range(MOST_LINES + 7)])

    said = heard(flow.run().events).said["talk"]

    assert len(said.head) + len(said.tail) == MOST_LINES
    assert said.left_out == 7
    assert (said.head[0].text, said.tail[-1].text) == ("0", str(MOST_LINES + 6))


def test_items_and_retries_are_heard():
    """A line of an item bears its key; a retry says what failed and when it goes on."""
    flow = Pipeline("map")
    calls = []

    @flow.stage(over=("words",), retries=1)
    def length(words):
        calls.append(words)
        print(words)
        if len(calls) == 1:
            raise ValueError("not yet")
        return len(words)

    flow.stage("words")(lambda: ["a", "bb"])
    run = flow.run()

    found = heard(run.events)
    texts = [line.text for line in found.said["length"].head]
    assert "[0] a" in texts
    assert "[1] bb" in texts
    assert any(
        text.startswith("[0] attempt 1 failed: ValueError: not yet; once more in") for text in texts
    )
    assert found.items["length"] == {"ok": 2}


def test_a_stage_that_was_not_called_has_no_span():
    """There is nothing to draw on the time axis."""
    assert heard([]).span("x") is None
