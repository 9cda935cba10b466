"""A stage as HTML: one line that says how it went, and under it all that is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.log.terminal import visible
from pypedream.view.exhibits import exhibit_html
from pypedream.view.folding import Bundle, bundles
from pypedream.view.labels import width_of
from pypedream.view.looks import look_of
from pypedream.view.page import Row
from pypedream.view.tags import Html, joined, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.view.page import Line, Page, Said, Sample, Section

LEVELS = {"warning": "w", "error": "r"}
"""The classes of lines that are marked."""
_BOLD = 1.2  # how much wider letters of headings are
_CHIP_FONT = 12
_LAST = (98.5, 100.0)  # per cent, where a bar begins and ends at the latest: none is out of sight
_LONG_WORD = 24  # letters
_MOST_AT_ONCE = 30  # lines; of more the last are in sight, and the others are scrolled to
_FAILED = ("failed", "killed", "timeout")


def stage_list(page: Page) -> Html:
    """Return all stages, those of a bundle within a fold of its own."""
    sections = {section.node.key: section for section in page.sections}
    subject = page.description.subject
    parts = [
        _bundle(bundle, sections, page.span_s, subject) for bundle in bundles(page.description)
    ]
    return tag("div", *parts, class_=f"s {subject}")


def room_of(page: Page) -> str:
    """Return how wide the columns of states and of names are, as declarations of CSS.

    A grid knows its own line only. So that all lines have the same columns, and what is said of a
    stage has the room that is left, the widest text of each is measured here.
    """
    stages = page.description.stages
    names = max((width_of(visible(node.label)) for node in stages), default=0.0)
    signed = (f"{look_of(node.state).sign} {node.state}" for node in stages)
    states = max(map(width_of, signed), default=0.0)
    return f"--n:min({names * _BOLD:.2f}em,34cqw);--c:{states * _BOLD * _CHIP_FONT + 16:.0f}px"


def chip(state: str, name: str = "") -> Html:
    """Return a state with its sign and its colour; *name* is one more class of the element."""
    look = look_of(state)
    return tag(
        "span",
        f"{look.sign} {state}",
        class_=f"c {name}".rstrip(),
        style=f"background:{look.fill};color:#fff",
    )


def table_of(rows: Iterable[Row], caption: str = "") -> Html:
    """Return rows as a table; nothing without rows."""
    found = list(rows)
    if not found:
        return Html()
    with_value = any(row.value for row in found)
    with_help = any(row.help for row in found)
    with_source = with_help or any(row.source for row in found)
    lines = (
        tag(
            "tr",
            _cell("th", row.name),
            tag("td", tag("code", row.value) if row.value else "") if with_value else Html(),
            _cell("td", row.source) if with_source else Html(),
            _cell("td", row.help) if with_help else Html(),
        )
        for row in found
    )
    return tag("table", tag("caption", caption) if caption else Html(), *lines)


def _cell(name: str, text: str) -> Html:
    """Return a cell whose words are broken only if one is too long for a narrow page."""
    is_long = max(map(len, text.split()), default=0) > _LONG_WORD
    return tag(name, text, class_="lg" if is_long else "")


def said_block(said: Said) -> Html:
    """Return what was printed and logged, in the order in which it came; nothing for nothing."""
    if not said.head:
        return Html()
    left_out = f"… {said.left_out:,} lines left out …" if said.left_out else ""
    middle = [tag("span", f"{left_out}\n", class_="d")] if left_out else []
    lines = [*map(_line, said.head), *middle, *map(_line, said.tail)]
    if len(lines) <= _MOST_AT_ONCE:
        return tag("pre", *lines, class_="l")
    return tag("pre", tag("code", *lines), class_="l lo")


def _line(line: Line) -> str:
    """Return a line; what is no warning and no error needs no element."""
    text = f"{line.text}\n"
    return text if line.level == "info" else tag("span", text, class_=LEVELS[line.level])


def _bundle(bundle: Bundle, sections: Mapping[str, Section], span_s: float, subject: str) -> Html:
    rows = [_stage(sections[node.key], span_s, subject) for node in bundle.nodes]
    if len(rows) == 1:
        return rows[0]
    cells = [chip(bundle.state)] if bundle.state else []
    counts = tag("span", bundle.counts, class_="d")
    head = tag("summary", *cells, " ", tag("b", bundle.label), " ", counts)
    classes = [_classes(sections[node.key]) for node in bundle.nodes]
    return tag(
        "details",
        head,
        tag("div", *rows, class_="v"),
        class_=" ".join(["bu", *sorted({word for each in classes for word in each.split()})]),
        open="open" if bundle.state in _FAILED else "",
    )


def _classes(section: Section) -> str:
    """Return which kinds of lines the stage has, for the filter."""
    has_error = section.said.errors or section.error
    marks = ["o", *["ow"] * bool(section.said.warnings or has_error), *["or"] * bool(has_error)]
    return " ".join(marks)


def _stage(section: Section, span_s: float, subject: str) -> Html:
    node = section.node
    cells = [
        *([chip(node.state), " "] if node.state else []),
        tag("b", node.label),
        " ",
        tag("span", *_marks(section), _news(section, subject), class_="d"),
        " ",
        *([_bar(section, span_s)] if subject == "run" else []),
        _at_the_end(section, subject),
    ]
    is_open = "open" if section.is_open else ""
    return tag(
        "details",
        tag("summary", *cells),
        _body(section, subject),
        class_=_classes(section),
        open=is_open,
    )


def _marks(section: Section) -> Iterator[Html]:
    """Yield how many warnings and errors a stage told; of one that failed the error is there."""
    said = section.said
    for count, word in ((said.warnings, "warning"), (said.errors, "error")):
        if count and not section.error:
            text = f"{count:,} {word}{'s' * (count > 1)}"
            yield joined(tag("span", text, class_=f"g {LEVELS[word]}"), " ")


def _news(section: Section, subject: str) -> str:
    """Return what is to be told of a stage first: what went wrong, else what came of it."""
    if subject == "plan":
        return next((row.value for row in section.facts if row.name == "why"), "")
    if section.result:
        return tag("code", section.result)
    return section.error or section.node.note or section.node.about


def _at_the_end(section: Section, subject: str) -> Html:
    if subject == "pipeline":
        return tag("code", section.where, class_="d")
    return tag("span", section.took, class_="j")


def _bar(section: Section, span_s: float) -> Html:
    if section.span is None or span_s <= 0:
        return tag("span", class_="y") if section.span else tag("span")
    left, right = (
        min(last, 100 * at / span_s) for last, at in zip(_LAST, section.span, strict=True)
    )
    fill = look_of(section.node.state).fill
    style = f"left:{left:.1f}%;width:{right - left:.1f}%;background:{fill}"
    return tag("span", tag("i", style=style), class_="y")


def _body(section: Section, subject: str) -> Html:
    marks = [joined(tag("span", word, class_="g"), " ") for word in section.chips]
    if subject != "pipeline":  # whose lines have both
        about = section.node.about
        marks += [joined(tag("span", about), " ")] if about else []
        marks.append(tag("code", section.where, class_="d"))
    has_card = section.is_open
    error = tag("span", section.error, class_="r") if section.error and not has_card else Html()
    return tag(
        "div",
        tag("div", *marks),
        tag("pre", error, class_="l") if error else Html(),
        table_of(section.facts),
        table_of(section.inputs, "called with" if section.outputs else "inputs"),
        *_outputs(section.outputs),
        said_block(section.said),
        *map(exhibit_html, section.exhibits),
        class_="v",
    )


def _outputs(outputs: Iterable[Sample]) -> Iterator[Html]:
    found = list(outputs)
    if len(found) == 1:
        yield tag("div", tag("span", "gave ", class_="d"), tag("code", found[0].text))
    else:
        yield table_of((Row(one.name, one.text) for one in found), "gave")
    for one in found:
        if one.columns:
            yield tag("div", _cells(one))


def _cells(sample: Sample) -> Html:
    width = len(sample.columns)
    sides = ["n" if place in sample.numbers else "" for place in range(width)]
    heads = zip(sample.columns, sample.types, sides, strict=True)
    head = (tag("th", name, " ", tag("i", kind), class_=side) for name, kind, side in heads)
    return tag("table", tag("tr", *head), *(_row(row, sides) for row in sample.rows), class_="u")


def _row(row: tuple[str, ...], sides: list[str]) -> Html:
    if len(row) < len(sides):  # how many rows are left out
        return tag("tr", tag("td", *row, class_="d", colspan=str(len(sides))))
    cells = zip(row, sides, strict=True)
    return tag("tr", *(tag("td", cell, class_=side) for cell, side in cells))
