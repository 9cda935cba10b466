"""Page: all that HTML shows of a pipeline, a plan or a run, as plain data.

Whatever a page is made of, a run in memory or only its record, the same functions draw it. Its
texts are without secrets and already short, but they are as the user wrote them: what draws them
makes them harmless.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from pypedream.view.description import Description, Node
    from pypedream.view.spans import Span


@frozen
class Row:
    """A value under its name.

    Attributes
    ----------
    source
        Where it comes from, or who set it, in words.
    help
        What else there is to say of it.
    """

    name: str
    value: str
    source: str = ""
    help: str = ""


@frozen
class Sample:
    """What can be seen of a value at a glance.

    Attributes
    ----------
    text
        The value in one line.
    columns, types, rows
        Of a frame a few cells; a row that only says how many were left out has one cell.
    numbers
        Which of the columns hold numbers; none for no frame.
    """

    name: str
    text: str
    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: frozenset[int] = frozenset()


@frozen
class Frame:
    """A line of the user's code in a traceback, with its neighbours.

    Attributes
    ----------
    lines
        Number and text of each line of source; none where there is no source.
    line
        The number of the one that raised or called.
    """

    place: str
    function: str
    line: int
    lines: tuple[tuple[int, str], ...] = ()


@frozen
class Trouble:
    """A call that failed.

    Attributes
    ----------
    stage
        Its key, with the key of the item in brackets.
    error
        Type and text of what it raised.
    notes
        What else the exception says, such as its cause.
    hints
        What to type next.
    """

    stage: str
    error: str
    attempts: int = 1
    frames: tuple[Frame, ...] = ()
    inputs: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


@frozen
class Line:
    """A line that a stage printed or logged.

    Attributes
    ----------
    level
        "info", "warning" or "error".
    """

    text: str
    level: str = "info"


@frozen
class Said:
    """What a stage said: all of it, or the first and the last lines.

    Attributes
    ----------
    left_out
        How many lines there were between *head* and *tail*.
    warnings, errors
        How many there were of each in all.
    """

    head: tuple[Line, ...] = ()
    tail: tuple[Line, ...] = ()
    left_out: int = 0
    warnings: int = 0
    errors: int = 0


NOTHING_SAID = Said()


@frozen
class Exhibit:
    """Something that a stage displayed.

    Attributes
    ----------
    text
        What it is in plain text.
    mime
        The form that *content* has: a picture or "text/html"; "" where there is the text alone.
    content
        A picture in base 64, or HTML as it was displayed, which is not to be trusted.
    note
        Why it is not shown.
    """

    text: str
    mime: str = ""
    content: str = ""
    note: str = ""


@frozen
class Section:
    """All that is known of one stage.

    Attributes
    ----------
    chips
        Facts of a few words.
    facts
        Names and values that need a line each.
    took
        How long it took or is expected to take, as text.
    span
        When it began and ended, in seconds since the run began; None if it was not called.
    where
        Where its function is written.
    error
        What its last call raised, in one line.
    result
        What it gave, in one line; "" for nothing, and where it is not at hand.
    """

    node: Node
    chips: tuple[str, ...] = ()
    facts: tuple[Row, ...] = ()
    inputs: tuple[Row, ...] = ()
    outputs: tuple[Sample, ...] = ()
    said: Said = NOTHING_SAID
    exhibits: tuple[Exhibit, ...] = ()
    took: str = ""
    span: tuple[float, float] | None = None
    where: str = ""
    error: str = ""
    result: str = ""
    is_open: bool = False


@frozen
class Page:
    """What there is to show.

    Attributes
    ----------
    state
        How the run went; "" for what is no run.
    facts
        What the header says beside the name, phrase by phrase.
    troubles
        The calls that failed, the first one first.
    untold
        How many more there are.
    notes
        Names and texts that concern the whole.
    span_s
        Seconds that the time axis of the stages shows; 0 for none.
    spans
        Which worker was at which stage, and when.
    """

    description: Description
    state: str = ""
    facts: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    untold: int = 0
    parameters: tuple[Row, ...] = ()
    sections: tuple[Section, ...] = ()
    said: Said = NOTHING_SAID
    notes: tuple[Row, ...] = ()
    span_s: float = 0.0
    spans: tuple[Span, ...] = ()
