"""Entries: the widgets of the fields of a form, one row for each."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream._extras import need
from pypedream.view.fields import (
    CHECK,
    CHOICE,
    DATE,
    FIXED,
    HIDDEN,
    LINES,
    TEXT,
    Field,
)
from pypedream.view.tags import tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ENTRY_EM = 18
_NARROWEST_EM, _WIDEST_EM, _EM_PER_LETTER = 6, 20, 0.62
_MOST_LINES = 6
_CLOSE = "display:block;line-height:1.4;"  # widgets are far apart, lines of a text are not
WRONG = f"{_CLOSE}color:var(--jp-error-color1,#d32f2f)"
_MIX = "var(--jp-ui-font-color1,#1f2328) 75%,var(--jp-layout-color0,#fff)"
FAINT = f"color:color-mix(in srgb,{_MIX})"
DIM = f"{_CLOSE}{FAINT}"


class Row:
    """A field on the screen: what is entered, what it is for, and what is wrong with it.

    Attributes
    ----------
    entry
        The widget whose value is what is entered.
    box
        All of the row.
    message
        What is wrong, as text; empty for nothing.
    """

    def __init__(self, field: Field, looks: _Looks) -> None:
        self.field, self._looks = field, looks
        self.entry = _MAKERS[field.kind](looks.widgets, field, _common(field, looks))
        about = tag("span", field.about, style=DIM)
        beside = looks.widgets.HTML(about, layout=looks.beside)
        self._line = looks.widgets.HBox([self.entry, beside], layout=looks.line)
        self._said: Any = None  # most rows never need it
        self.box = looks.widgets.VBox([self._line], layout=looks.row)
        self.message = ""

    def listen(self, heard: Callable[[str, Any], None]) -> None:
        """Call a function with name and value whenever something is entered."""
        self.entry.observe(lambda change: heard(self.field.name, change["new"]), "value")

    def say(self, text: str) -> None:
        """Show what is wrong under the field; nothing if it is empty."""
        if text == self.message:
            return
        self.message = text
        if self._said is None:
            self._said = self._looks.widgets.HTML(layout=self._looks.message)
        self._said.value = tag("span", text, style=WRONG)
        self.box.children = (self._line, self._said) if text else (self._line,)

    def reset(self, field: Field) -> None:
        """Let the row be one of another field, with nothing entered yet."""
        self.field = field
        self.entry.value = field.initial
        if field.kind == HIDDEN:
            self.entry.placeholder = field.hint


@frozen
class _Looks:
    """What all rows have in common; a widget of its own for each would take long to make."""

    widgets: Any
    label_em: float
    row: Any
    line: Any
    entry: Any
    lines: Any
    beside: Any
    message: Any


def rows_of(fields: Sequence[Field]) -> list[Row]:
    """Return a row for each field, all labels equally wide."""
    widgets = need("ipywidgets", extra="notebook", for_="a form")
    longest = max((len(field.name) for field in fields), default=0)
    label_em = min(max(longest * _EM_PER_LETTER, _NARROWEST_EM), _WIDEST_EM)
    layout = widgets.Layout
    looks = _Looks(
        widgets,
        label_em,
        row=layout(),
        line=layout(flex_flow="row wrap"),
        entry=layout(width=f"{label_em + ENTRY_EM:.1f}em"),
        lines=layout(width=f"{label_em + ENTRY_EM:.1f}em", height="auto"),
        beside=layout(flex="1 1 14em", margin="6px 12px 2px"),
        message=layout(margin=f"0 0 4px {label_em + 0.8:.1f}em"),
    )
    return [Row(field, looks) for field in fields]


def _common(field: Field, looks: _Looks) -> dict[str, Any]:
    return {
        "description": field.name,
        "tooltip": field.name,
        "style": {"description_width": f"{looks.label_em:.1f}em"},
        "layout": looks.lines if field.kind == LINES else looks.entry,
    }


def _check(widgets: Any, field: Field, common: dict[str, Any]) -> Any:
    return widgets.Checkbox(field.initial, **common)


def _choice(widgets: Any, field: Field, common: dict[str, Any]) -> Any:
    options: list[tuple[str, int | None]]
    options = [(label, place) for place, (label, _) in enumerate(field.choices)]
    if field.initial is None:
        options.insert(0, ("choose one", None))
    return widgets.Dropdown(options=options, value=field.initial, **common)


def _date(widgets: Any, field: Field, common: dict[str, Any]) -> Any:
    low, high = field.definition.min, field.definition.max
    picker = widgets.DatePicker(value=field.initial, **common)
    picker.min, picker.max = (each if type(each) is date else None for each in (low, high))
    return picker


def _fixed(widgets: Any, field: Field, common: dict[str, Any]) -> Any:
    return widgets.Text(field.initial, disabled=True, **common)


def _lines(widgets: Any, field: Field, common: dict[str, Any]) -> Any:
    count = min(field.initial.count("\n") + 2, _MOST_LINES)
    return widgets.Textarea(field.initial, placeholder=field.hint, rows=count, **common)


def _hidden(widgets: Any, field: Field, common: dict[str, Any]) -> Any:
    return widgets.Password(placeholder=field.hint, **common)


def _text(widgets: Any, field: Field, common: dict[str, Any]) -> Any:
    return widgets.Text(field.initial, placeholder=field.hint, **common)


_MAKERS: dict[str, Callable[[Any, Field, dict[str, Any]], Any]] = {
    CHECK: _check,
    CHOICE: _choice,
    DATE: _date,
    FIXED: _fixed,
    LINES: _lines,
    HIDDEN: _hidden,
    TEXT: _text,
}
