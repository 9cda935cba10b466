"""What a form as it is filled in says: values, every mistake, and the code that does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import NOTHING, frozen

from pypedream.engine.literals import Piece, literal
from pypedream.engine.options import NAMES
from pypedream.engine.request import SOURCE
from pypedream.engine.selection import SELECTION
from pypedream.errors import ParameterError
from pypedream.parameters.annotations import mentions_secret
from pypedream.parameters.display import plain_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.parameters import Parameter, Parameters
    from pypedream.view.fields import Field

FORM: Final = "form"
_OURS: Final = (FORM, SOURCE)
_UNKNOWN: Final = Piece("...")


@frozen
class Filled:
    """A form as it is filled in.

    Attributes
    ----------
    parameters
        The parameters with all that is entered and accepted.
    mistakes
        From the name of a parameter to what is wrong with what is entered.
    missing
        Names of the parameters that need a value and have none.
    refused
        What is wrong with the values together.
    """

    parameters: Parameters
    mistakes: Mapping[str, str]
    missing: tuple[str, ...]
    refused: tuple[str, ...]

    @property
    def is_ready(self) -> bool:
        """Whether a run could begin."""
        return not (self.mistakes or self.missing or self.refused)

    @property
    def trouble(self) -> str:
        """What there is to do before a run can begin, all of it, a line each."""
        wrong = [f'parameter "{name}": {text}' for name, text in self.mistakes.items()]
        missing = [f'parameter "{name}" is to be filled in' for name in self.missing]
        return "\n".join((*wrong, *missing, *self.refused))


def filled(parameters: Parameters, fields: Iterable[Field], entered: Mapping[str, Any]) -> Filled:
    """Read what is entered, field by field, then all together.

    Parameters
    ----------
    entered
        By name of the parameter; a field that is not named is as it was.
    """
    values: dict[str, Any] = {}
    mistakes: dict[str, str] = {}
    emptied: list[str] = []
    for field in fields:
        answer = entered.get(field.name, field.initial)
        if answer == field.initial:
            continue
        try:
            value = field.read(answer)
        except ParameterError as error:
            mistakes[field.name] = _without_name(str(error), field.name)
            continue
        if value is NOTHING and not field.definition.is_computed:
            emptied.append(field.name)
        elif value is not NOTHING:
            values[field.name] = value
    refused: list[str] = []
    try:
        parameters = parameters.with_values(values, source=FORM)
    except ParameterError as error:
        refused = [line.removesuffix(f" ({FORM})") for line in str(error).splitlines()]
    missing = dict.fromkeys([*parameters.missing, *emptied])
    return Filled(
        parameters,
        {**mistakes, **_of_fields(refused, parameters)},
        tuple(name for name in missing if name not in {**values, **mistakes}),
        tuple(line for line in refused if _name_in(line) not in parameters.definitions),
    )


def code_of(
    parameters: Parameters,
    options: Mapping[str, Any],
    name: str = "flow",
    *,
    is_whole: bool = False,
) -> str:
    """Return the Python that runs a pipeline with these parameters.

    Parameters
    ----------
    parameters
        Those that a form or a call has set are written down.
    options
        What else is said to `Pipeline.run`.
    name
        What the pipeline is called there.
    is_whole
        Whether all parameters are written down that can be.

    Examples
    --------
    >>> from pypedream import Parameters
    >>> parameters = Parameters.define(rate=0.1, model={"depth": 3})
    >>> parameters = parameters.with_values({"rate": 0.2, "model.depth": 5}, source="form")
    >>> print(code_of(parameters, {"executor": "threads"}))
    flow.run({"model.depth": 5}, rate=0.2, executor="threads")
    """
    pieces = dict(_pieces(parameters, is_whole=is_whole))
    plain = {name: piece for name, piece in pieces.items() if _is_keyword(name)}
    other = [(f"{_quoted(name)}: ", pieces[name]) for name in pieces if name not in plain]
    mapping = [("", Piece("{", tuple(other), "}"))] if other else []
    said = {key: literal(value) or _UNKNOWN for key, value in options.items()}
    keywords = [(f"{key}=", piece) for key, piece in {**plain, **said}.items()]
    call = Piece(f"{name}.run(", (*mapping, *keywords), ")")
    imports = sorted(call.needs(), key=lambda line: (line.startswith("from"), line))
    return "\n".join([*imports, call.laid_out(0, before=0)])


def _pieces(parameters: Parameters, *, is_whole: bool) -> Iterator[tuple[str, Piece]]:
    """Yield name and Python of each parameter that is to be written down."""
    given, sources = parameters.given, parameters.sources
    for name, definition in parameters.definitions.items():
        if name in parameters.missing:
            yield name, _UNKNOWN
        elif name in given and sources.get(name) in _OURS:
            yield name, _piece(definition, given[name]) or _UNKNOWN
        elif name in given and is_whole and not _is_hidden(definition):
            piece = _piece(definition, given[name])
            yield from [] if piece is None else [(name, piece)]


def _piece(definition: Parameter, value: Any) -> Piece | None:
    """Return the Python for a value; a secret is asked for, as code is kept and mailed."""
    if _is_hidden(definition):
        needed = frozenset({"from getpass import getpass"})
        return Piece(f"getpass({_quoted(definition.name)})", imports=needed)
    return literal(value) or _as_plain(definition, value)


def _is_hidden(definition: Parameter) -> bool:
    return definition.secret or mentions_secret(definition.type)


def _as_plain(definition: Parameter, value: Any) -> Piece | None:
    """Return the text or list that the parameter makes the value of, as the name of an Enum."""
    plain = plain_data(value)
    try:
        is_accepted = bool(definition.check(plain) == value)
    except (ParameterError, TypeError, ValueError):
        return None
    return literal(plain) if is_accepted else None


def _is_keyword(name: str) -> bool:
    return name.isidentifier() and name not in NAMES and name not in SELECTION


def _quoted(text: str) -> str:
    piece = literal(text)
    return piece.opening if piece else repr(text)


def _of_fields(lines: Iterable[str], parameters: Parameters) -> dict[str, str]:
    """Return what a class said of one of its fields, by name of the parameter."""
    found = {_name_in(line): line for line in lines}
    known = parameters.definitions
    return {name: _without_name(line, name) for name, line in found.items() if name in known}


def _name_in(line: str) -> str:
    start, _, rest = line.partition('parameter "')
    return rest.partition('"')[0] if not start else ""


def _without_name(line: str, name: str) -> str:
    return line.removeprefix(f'parameter "{name}": ').removeprefix(f'parameter "{name}" ')
