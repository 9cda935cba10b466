"""Text: a pipeline, a plan or a run as lines for a terminal or a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.log.durations import duration_text
from pypedream.log.terminal import visible
from pypedream.view.describing import describe
from pypedream.view.labels import cells_of
from pypedream.view.lanes import LaneRow, lanes
from pypedream.view.looks import look_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pypedream.view.describing import Subject
    from pypedream.view.description import Argument, Description, Node

WIDEST_NAME = 32
LEAST_ROOM = 30  # for arguments, however long the names are


def tree_text(
    subject: Subject,
    *,
    ascii: bool = False,  # noqa: A002 - no other word says it
    width: int = 100,
) -> str:
    """Return the stages in order, each with where its arguments come from.

    The drawing beside the names shows which stage reads which. It is left out when it would need
    too many lines side by side.

    Parameters
    ----------
    subject
        A pipeline, a plan or a run.
    ascii
        Whether to do without all other characters.
    width
        Where arguments are broken into lines, in characters.

    Examples
    --------
    >>> from pypedream import Parameters, Pipeline
    >>> flow = Pipeline("mean", Parameters.define(numbers=[1, 2, 6]))
    >>> @flow.stage
    ... def total(numbers): ...
    >>> @flow.stage
    ... def mean(total, numbers): ...
    >>> print(tree_text(flow))
    mean
      ●  total  numbers <- parameter
      ○  mean   total; numbers <- parameter
    """
    description = describe(subject)
    say = _in_ascii if ascii else visible
    rows = list(_rows(description, is_ascii=ascii))
    lines = [say(description.headline), *_table(rows, width), *map(say, _mistakes(description))]
    return "\n".join(line.rstrip() for line in lines)


@frozen
class _Row:
    """One stage: what stands before its name, and the columns from its name on."""

    lane: LaneRow
    name: str
    status: str
    sources: list[str]
    note: str


def _rows(description: Description, *, is_ascii: bool) -> Iterator[_Row]:
    say = _in_ascii if is_ascii else visible
    drawing = _drawing(description)
    for position, node in enumerate(description.stages):
        look = look_of(node.state)
        sign = look.ascii_sign if is_ascii else look.sign
        lane = drawing[position] if drawing else LaneRow("", "")
        yield _Row(
            lane.in_ascii() if is_ascii else lane,
            f"{sign} {say(node.label)}" if sign else say(node.label),
            _status(node),
            [say(word) for word in _words(node)],
            say(": ".join(filter(None, (node.items_said, node.note)))),
        )


def _drawing(description: Description) -> list[LaneRow]:
    needs: dict[str, set[str]] = {node.key: set() for node in description.stages}
    for edge in description.edges:
        if edge.source in needs:
            needs[edge.target].add(edge.source)
    return lanes(needs)


def _status(node: Node) -> str:
    """Return the time of what went well, and the state of everything else."""
    if node.state == "ok" and node.duration_s is not None:
        return duration_text(node.duration_s)
    return node.state


def _table(rows: list[_Row], width: int) -> Iterator[str]:
    """Yield the lines of all rows, in columns."""
    names = min(max((cells_of(row.name) for row in rows), default=0), WIDEST_NAME)
    statuses = max((len(row.status) for row in rows), default=0)
    for row in rows:
        start = f"  {row.lane.line}  " if row.lane.line else "  "
        below = f"  {row.lane.below}  " if row.lane.line else "  "
        head = start + _padded(row.name, names) + "  "
        if statuses:
            head += row.status.ljust(statuses) + "  "
        left = " " * (cells_of(head) - len(below))
        room = max(width - cells_of(head), LEAST_ROOM)
        said = [*_broken(row.sources, room), *([row.note] if row.note else [])]
        yield head + (said[0] if said else "")
        yield from (below + left + line for line in said[1:])


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells_of(text))


def _words(node: Node) -> list[str]:
    """Return where a stage's arguments come from, those first that it is mapped over."""
    items = _sources(one for one in node.arguments if one.is_item)
    others = _sources(one for one in node.arguments if not one.is_item)
    if not items:
        return others
    verb = node.over.partition(" ")[0]
    items = [f"{word[:-1]}," if word.endswith(";") else word for word in items]
    return [verb, "over", *items[:-1], f"{items[-1]};" if others else items[-1], *others]


def _sources(arguments: Iterable[Argument]) -> list[str]:
    """Return where arguments come from, as words that end with what separates them.

    Names of the same kind of place stand together: commas within a kind, then a semicolon.
    """
    from toolz import groupby

    read = [one for one in arguments if one.kind != "default"]
    alike = groupby(lambda one: one.kind if one.is_namesake else str(one), read)
    words: list[str] = []
    for kind, group in alike.items():
        names = [one.name for one in group]
        last = _phrase(kind, names)
        words += [*(f"{name}," for name in names[:-1]), f"{last};"]
    return [*words[:-1], words[-1].removesuffix(";")] if words else []


def _phrase(kind: str, names: list[str]) -> str:
    """Return the last name of a kind, with what is said of all of them."""
    if kind == "stage":
        return names[-1]
    if kind in ("parameter", "variable"):
        return f"{names[-1]} <- {kind}{'s' if len(names) > 1 else ''}"
    return kind


def _broken(words: list[str], room: int) -> Iterator[str]:
    """Yield lines of words, each as long as there is room."""
    line = ""
    for word in words:
        if line and cells_of(line) + cells_of(word) + 1 > room:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
    if line:
        yield line


def _mistakes(description: Description) -> Iterator[str]:
    count = len(description.mistakes)
    if count:
        yield "1 mistake" if count == 1 else f"{count} mistakes"
        yield from (f"  {mistake}" for mistake in description.mistakes)


def _in_ascii(text: str) -> str:
    return visible(text).encode("ascii", "backslashreplace").decode("ascii")
