"""Fields: what a form asks for each parameter, and what an answer to it means.

A field that is left as it was leaves the parameter as it was: only what somebody enters is read,
by the rules of the parameter. So a form also carries values that nobody could type.

Numbers are entered as text. What browsers have for numbers leaves out what it does not know: to
it, "0,5" is 5 and "1.5" in a whole number is 15, and what is out of bounds it cuts to them. Text
is read, or refused with a reason.
"""

from __future__ import annotations

from datetime import date
from enum import Enum
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from attrs import NOTHING, frozen

from pypedream.errors import ParameterError
from pypedream.parameters.annotations import arms, choices_of, container_of, unboxed
from pypedream.parameters.display import plain_data
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.parameters import Parameter, Parameters

CHECK: Final = "check"
CHOICE: Final = "choice"
DATE: Final = "date"
FIXED: Final = "fixed"
LINES: Final = "lines"
HIDDEN: Final = "hidden"
TEXT: Final = "text"

_JSON: Final = ("[", "{")
_NONE_LABEL: Final = "none"
_SAYING_NOTHING: Final = ("any", "str", "Secret")


@frozen(eq=False)
class Field:
    """What a form asks for one parameter.

    Attributes
    ----------
    kind
        Which kind of field it is; that also says what is entered: a bool ("check"), a place in
        *choices* ("choice"), a date or None ("date"), else a text. Nothing is entered into one
        that is "fixed".
    value
        What the parameter is when nothing is entered; NOTHING if it has no value.
    initial
        What is entered at first.
    hint
        What an empty field means.
    choices
        The values to choose from, each with its label.
    """

    definition: Parameter
    kind: str
    value: Any
    initial: Any
    hint: str = ""
    choices: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """Dotted name of the parameter."""
        return self.definition.name

    @property
    def about(self) -> str:
        """What the parameter is for, and what it accepts where the field does not say it."""
        rules = self.definition.rules
        if self.kind == FIXED:
            rules = "set in Python"
        elif self.kind in (CHECK, CHOICE) or rules in _SAYING_NOTHING:
            rules = ""
        return " · ".join(filter(None, (self.definition.help, rules)))

    def read(self, entered: Any) -> Any:
        """Return the value that what is entered stands for; NOTHING if it has none.

        Raises
        ------
        ParameterError
            If the parameter does not accept it.
        """
        if entered == self.initial or self.kind == FIXED:
            return self.value
        if self.kind == CHOICE:
            return NOTHING if entered is None else self.choices[entered][1]
        if self.kind == CHECK:
            return self.definition.check(entered)
        if self.kind == DATE:
            is_cleared = entered is None and not _takes_none(self.definition)
            return NOTHING if is_cleared else self.definition.check(entered)
        if not entered.strip() and (self.definition.is_required or self.definition.is_computed):
            return NOTHING
        return self.definition.parse(_joined(entered) if self._has_members else entered)

    @property
    def _has_members(self) -> bool:
        return any(container_of(kind) is not None for kind in _kinds(self.definition))


def fields_of(parameters: Parameters) -> tuple[Field, ...]:
    """Return a field for each parameter, in their order.

    Examples
    --------
    >>> from pypedream import Parameters
    >>> fields = fields_of(Parameters.define(rate=0.1, smooth=True, years=[1990, 2000]))
    >>> [(field.kind, field.initial) for field in fields]
    [('text', '0.1'), ('check', True), ('lines', '1990, 2000')]
    """
    given = parameters.given
    return tuple(
        _field(definition, given.get(name, NOTHING))
        for name, definition in parameters.definitions.items()
    )


def _field(definition: Parameter, value: Any) -> Field:
    if definition.secret:
        is_set = value is not NOTHING and value is not None
        hint = "set; type to change it" if is_set else _hint(definition, value)
        return Field(definition, HIDDEN, value, "", hint)
    chosen = _choice(definition, value)
    if chosen is not None:
        return chosen
    bare = unboxed(value)
    kind = _kind(definition, bare)
    if kind in (CHECK, DATE):
        return Field(definition, kind, value, None if bare is NOTHING else bare)
    return _typed(definition, kind, value)


def _choice(definition: Parameter, value: Any) -> Field | None:
    """Return a field for one of several values; None if there is not a number of them."""
    kinds = _kinds(definition)
    is_whole = len(kinds) == 1 and container_of(kinds[0]) is None
    values = definition.choices or (choices_of(kinds[0]) if is_whole else None)
    if values is None and kinds == [bool] and (value is NOTHING or _takes_none(definition)):
        values = (True, False)
    if values is None or any(container_of(kind) is not None for kind in kinds):
        return None
    choices = [(_label(each), each) for each in values]
    if _takes_none(definition) and None not in values:
        choices = [(_NONE_LABEL, None), *choices]
    places = (place for place, (_, each) in enumerate(choices) if _is_same(each, value))
    return Field(definition, CHOICE, value, next(places, None), "", tuple(choices))


def _kind(definition: Parameter, value: Any) -> str:
    kinds = _kinds(definition)
    kind = kinds[0] if len(kinds) == 1 else None
    if kind is date and (value is None or value is NOTHING or type(value) is date):
        return DATE
    if kind is bool and type(value) is bool:
        return CHECK
    is_long = isinstance(value, str) and "\n" in value
    return LINES if is_long or any(container_of(each) is not None for each in kinds) else TEXT


def _typed(definition: Parameter, kind: str, value: Any) -> Field:
    """Return a field for text, if there is one that stands for the value."""
    if value is NOTHING or value is None:
        return Field(definition, kind, value, "", _hint(definition, value))
    empty = Field(definition, kind, NOTHING, None)
    for text in _texts(value):
        if _is_read_back(empty, text, value):
            return Field(definition, kind, value, text)
    return Field(definition, FIXED, value, definition.masked(value))


def _is_read_back(field: Field, text: str, value: Any) -> bool:
    try:
        return _is_same(field.read(text), value)
    except ParameterError:
        return False


def _texts(value: Any) -> Iterator[str]:
    """Yield what could be typed for a value, what is read most easily first."""
    from json import dumps

    plain = plain_data(value)
    if isinstance(plain, list) and plain:
        yield ", ".join(str(one) if isinstance(one, str) else dumps(one) for one in plain)
    elif isinstance(value, (str, bool, int)):
        yield plain if isinstance(plain, str) else dumps(plain)
    else:
        yield str(value)
    try:
        yield dumps(plain, ensure_ascii=False, allow_nan=False)
    except ValueError:  # a number that JSON does not have
        return


def _joined(text: str) -> str:
    """Let members stand in lines of their own; JSON is left as it is."""
    if text.lstrip().startswith(_JSON):
        return text
    return ", ".join(line.strip().rstrip(",") for line in text.splitlines() if line.strip(" ,"))


def _kinds(definition: Parameter) -> list[Any]:
    return [kind for kind in arms(definition.read_as or object) if kind is not NoneType]


def _takes_none(definition: Parameter) -> bool:
    return definition.default is None or NoneType in arms(definition.read_as or object)


def _hint(definition: Parameter, value: Any) -> str:
    if value is None:
        return _NONE_LABEL
    return "computed" if definition.is_computed else "to be filled in"


def _label(choice: Any) -> str:
    if isinstance(choice, Enum):
        return choice.name
    if isinstance(choice, bool):
        return "yes" if choice else "no"
    return _NONE_LABEL if choice is None else choice if isinstance(choice, str) else short(choice)


def _is_same(one: Any, other: Any) -> bool:
    try:
        return type(unboxed(one)) is type(unboxed(other)) and bool(one == other)
    except (TypeError, ValueError):  # an array has no single truth value
        return False
