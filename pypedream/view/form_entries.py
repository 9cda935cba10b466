"""Entries: the widgets of the fields of a form, one row for each."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

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
    """

    def __init__(self, field: Field, label_em: float) -> None:
        widgets = need("ipywidgets", extra="notebook", for_="a form")
        self.field = field
        self.entry = _MAKERS[field.kind](widgets, field, _common(widgets, field, label_em))
        about = tag("span", field.about, style=DIM)
        self._message = widgets.HTML(layout=_message_layout(widgets, label_em))
        beside = widgets.HTML(about, layout=widgets.Layout(flex="1 1 14em", margin="6px 12px 2px"))
        wrap = widgets.Layout(flex_flow="row wrap")
        line = widgets.HBox([self.entry, beside], layout=wrap)
        self.box = widgets.VBox([line, self._message])

    def listen(self, heard: Callable[[str, Any], None]) -> None:
        """Call a function with name and value whenever something is entered."""
        self.entry.observe(lambda change: heard(self.field.name, change["new"]), "value")

    def say(self, text: str) -> None:
        """Show what is wrong under the field; nothing if it is empty."""
        self._message.value = tag("span", text, style=WRONG) if text else ""
        self._message.layout.display = None if text else "none"

    def reset(self, field: Field) -> None:
        """Let the row be one of another field, with nothing entered yet."""
        self.field = field
        self.entry.value = field.initial
        if field.kind == HIDDEN:
            self.entry.placeholder = field.hint


def rows_of(fields: Sequence[Field]) -> list[Row]:
    """Return a row for each field, all labels equally wide."""
    longest = max((len(field.name) for field in fields), default=0)
    label_em = min(max(longest * _EM_PER_LETTER, _NARROWEST_EM), _WIDEST_EM)
    return [Row(field, label_em) for field in fields]


def _common(widgets: Any, field: Field, label_em: float) -> dict[str, Any]:
    return {
        "description": field.name,
        "tooltip": field.name,
        "style": {"description_width": f"{label_em:.1f}em"},
        "layout": widgets.Layout(width=f"{label_em + ENTRY_EM:.1f}em"),
    }


def _message_layout(widgets: Any, label_em: float) -> Any:
    return widgets.Layout(display="none", margin=f"0 0 4px {label_em + 0.8:.1f}em")


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
    common["layout"].height = "auto"
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
