"""The values that a run's parameters get from the command line, and asking for them.

What was said last wins: ``-p``, then ``--params``, then the environment, then the default.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pypedream.cli.mistakes import refusal
from pypedream.cli.terminal import ask, can_ask, say
from pypedream.cli.workspaces import from_here
from pypedream.errors import ParameterError
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pypedream.parameters import Parameter, Parameters
    from pypedream.pipeline import Pipeline

ASKED = "--ask"


def parameters_of(pipeline: Pipeline, texts: Mapping[str, str], file: str | None) -> Parameters:
    """Return the parameters of a pipeline with all values that the outside gives them.

    Raises
    ------
    Refused
        With all mistakes in all of these values.
    """
    steps: list[Callable[[Parameters], Parameters]] = [lambda one: one.with_environment()]
    if file is not None:
        steps.append(lambda one: one.with_file(file))
    if texts:
        steps.append(lambda one: one.with_text(texts, source="-p"))
    values, errors = pipeline.parameters, []
    for step in steps:
        try:
            values = step(values)
        except ParameterError as error:
            errors.append(error)
    if errors:
        raise refusal(errors)
    return values


def completed(parameters: Parameters, *, is_asked: bool) -> Parameters:
    """Ask for every parameter, or else for what is missing if a person sits there."""
    if is_asked:
        return asked(parameters, parameters.definitions)
    if parameters.missing and can_ask():
        return asked(parameters, parameters.missing)
    return parameters


def asked(parameters: Parameters, names: Iterable[str]) -> Parameters:
    """Ask for the values of parameters one by one; an empty answer leaves one as it is."""
    for name in names:
        parameters = _asked(parameters, name)
    return parameters


def _asked(parameters: Parameters, name: str) -> Parameters:
    definition = parameters.definitions[name]
    is_needed = name in parameters.missing
    while True:
        answer = ask(_question(parameters, definition), is_secret=definition.secret)
        if not answer and not is_needed:
            return parameters
        if not answer:
            say(f"  {name} needs a value", err=True)
            continue
        try:
            return parameters.with_text({name: answer}, source=ASKED)
        except ParameterError as error:
            say(*(f"  {line}" for line in str(error).splitlines()), err=True)


def _question(parameters: Parameters, definition: Parameter) -> str:
    """Return the line that asks: name, what it accepts, what for, and what it is now."""
    said = "; ".join(part for part in (definition.rules, definition.help) if part)
    if definition.name in parameters.missing or definition.is_computed:
        return f"{definition.name} ({said})"
    now = as_typed(definition, parameters.get(definition.name))
    return f"{definition.name} ({said}) [{now}]"


def as_typed(definition: Parameter, value: Any, limit: int = 40) -> str:
    """Return a value as one would type it, as far as it fits; "***" for a secret."""
    if definition.secret or not isinstance(value, (str, PathLike)):
        return definition.masked(value, limit)
    text = str(from_here(Path(value))) if isinstance(value, PathLike) else value
    return text if len(text) <= limit and text else short(text, limit)
