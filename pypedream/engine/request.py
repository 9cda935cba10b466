"""Request: what a caller asks of a pipeline, sorted into parameters, selection and options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import Factory, evolve, frozen

from pypedream.engine.asked import Asked
from pypedream.engine.options import NAMES, accepted, options_from_environment, options_of
from pypedream.engine.plan import Blueprint, Plan, blueprint, make_plan
from pypedream.engine.problem import Problem
from pypedream.engine.selection import SELECTION, Selection, selection_of
from pypedream.engine.table import has_params
from pypedream.errors import ParameterError, PypedreamError
from pypedream.names import did_you_mean, there_are
from pypedream.parameters import Parameters
from pypedream.values import said, short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream.engine.reuse import Reuse
    from pypedream.parameters.definition import Parameter

SOURCE = "run(...)"
_KNOWN = frozenset((*SELECTION, *NAMES))
_NUMBERS = (bool, int, float)


@frozen(eq=False, repr=False)
class Request:
    """What a caller asks for.

    Attributes
    ----------
    values
        Values of parameters, by name.
    options
        Options, by name.
    start
        The parameters with values that others have set already, the environment included.
    problems
        What cannot be read.
    """

    values: dict[str, Any]
    selection: Selection
    options: dict[str, Any]
    start: Parameters | None = None
    problems: list[Problem] = Factory(list)


def request_of(values: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> Request:
    """Sort keywords: the names of selection and options are known, all others are parameters.

    A parameter that bears such a name is set by the mapping *values*. If that is the pipeline's
    own `Parameters` with values from elsewhere, these keep their sources.
    """
    problems: list[Problem] = []
    selection = selection_of({name: keywords.get(name) for name in SELECTION}, problems)
    options = {name: keywords[name] for name in NAMES if name in keywords}
    named = {name: value for name, value in keywords.items() if name not in _KNOWN}
    if isinstance(values, Parameters):
        return Request(named, selection, options, values, problems)
    if values is not None and not isinstance(values, Mapping):
        what = f"the first argument is a mapping of parameters, not {said(values)}"
        problems.append(Problem(what, None, "write run(name=value)"))
        values = None
    both = {} if values is None else values
    return Request({**both, **named}, selection, options, None, problems)


def plan_for(
    request: Request,
    base: Blueprint,
    own_options: Mapping[str, Any],
    *,
    parameters: Parameters | None = None,
    reuse: Callable[[Blueprint, Parameters], Reuse] | None = None,
) -> Plan:
    """Plan what *request* asks for.

    Parameters
    ----------
    base
        The wired pipeline.
    own_options
        Options of the pipeline.
    parameters
        Values to start from; the definition's own if left out.
    reuse
        Decides from the final parameters which results to take over.

    Raises
    ------
    PlanError
        With every mistake of the pipeline and of the request.
    """
    problems = list(request.problems)
    wrong: list[str] = []
    outside: list[str] = []
    options = options_of(
        accepted(request.options, wrong),
        own_options,
        options_from_environment(os.environ, outside),
        {"workspace": base.state} if base.state else {},
    )
    problems.extend(map(Problem, wrong))
    start = _own(request.start, base, problems) if parameters is None else parameters
    if start is None:
        start = _with_environment(base.definition.parameters, outside)
    if any(map(has_params, base.definition.stages.values())):
        start = _with_params_file(start, base, problems)
    values, refused = _with_values(start, request.values, problems, base)
    problems.extend(map(Problem, values.mistakes))
    if base.has_files and base.templates:
        base = _made_of(base, values)
    asked = Asked(
        values,
        options,
        request.selection,
        tuple(problems),
        tuple(map(Problem, outside)),
        refused,
    )
    taken = reuse(base, values) if reuse is not None and not (problems or outside) else None
    plan = make_plan(base, asked, taken)
    plan.doubtful = (*_shadowed(request, values), *_unread(request, values))
    plan.notes.extend(plan.doubtful)
    return plan


def _own(start: Parameters | None, base: Blueprint, problems: list[Problem]) -> Parameters | None:
    """Return the values to start from, if they are of the pipeline's parameters and not others'."""
    own = base.definition.parameters
    if start is not None and start.definitions.keys() != own.definitions.keys():
        hint = "derive them from pipeline.parameters, or give a dict"
        problems.append(Problem("the Parameters given are not those of the pipeline", None, hint))
        return own
    return start


def in_project(base: Blueprint) -> Blueprint:
    """Return a blueprint with the parameters that the file beside its project says, if any.

    Raises
    ------
    ParameterError
        With all mistakes in the file.
    """
    if not base.has_files:
        return base
    from pypedream.files.stage_groups import with_file_values

    definition = base.definition
    values = with_file_values(definition.parameters, definition.stages, definition.scopes)
    if values is definition.parameters:
        return base
    return blueprint(evolve(definition, parameters=values), base.remembered)


def _with_params_file(start: Parameters, base: Blueprint, problems: list[Problem]) -> Parameters:
    from pypedream.files.stage_groups import with_file_values

    try:
        return with_file_values(start, base.definition.stages, base.definition.scopes)
    except ParameterError as error:
        problems.extend(map(Problem, str(error).splitlines()))
        return start


def _made_of(base: Blueprint, values: Parameters) -> Blueprint:
    """Return the blueprint with the paths that the values of a run give."""
    definition = base.definition
    if all(_same(definition.parameters, values, name) for name in base.templates):
        return base
    return blueprint(evolve(definition, parameters=values), base.remembered)


def _same(one: Parameters, other: Parameters, name: str) -> bool:
    first, *_ = name.split(".")
    try:
        found = one[name] if name in one else one[first]
        return bool(found == (other[name] if name in other else other[first]))
    except PypedreamError:  # one of them is not set
        return False


def _with_environment(start: Parameters, outside: list[str]) -> Parameters:
    try:
        return start.with_environment(os.environ)
    except ParameterError as error:
        outside.extend(str(error).splitlines())
        return start


def _with_values(
    start: Parameters, given: Mapping[str, Any], problems: list[Problem], base: Blueprint
) -> tuple[Parameters, frozenset[str]]:
    """Return *start* with the given values, and the names of those that are not accepted."""
    known = {name: value for name, value in given.items() if name in start}
    problems.extend(_unknown(name, start, base) for name in given if name not in known)
    if not known:
        return start, frozenset()
    try:
        return start.with_values(known, source=SOURCE), frozenset()
    except ParameterError as error:
        lines = str(error).splitlines()
    problems.extend(Problem(line.removesuffix(f" ({SOURCE})")) for line in lines)
    return _one_by_one(start, known)


def _one_by_one(values: Parameters, given: Mapping[str, Any]) -> tuple[Parameters, frozenset[str]]:
    """Set what can be set, so that one mistake does not look like several."""
    refused = []
    for name, value in given.items():
        try:
            values = values.with_values({name: value}, source=SOURCE)
        except ParameterError:  # it is among the problems already
            refused.append(name)
    return values, frozenset(refused)


def _unknown(name: object, parameters: Parameters, base: Blueprint) -> Problem:
    if name in base.definition.variables:
        hint = "it is a variable: stages set it, a run does not"
        return Problem(f'no parameter "{name}"', None, hint)
    if name in base.wiring.wires:
        hint = f'to take a value in place of the stage, write given={{"{name}": ...}}'
        return Problem(f'no parameter "{name}"', None, hint)
    known = dict.fromkeys([*parameters, *parameters.definitions, *NAMES, *SELECTION])
    near = did_you_mean(str(name), known)
    hint = "" if near else there_are(parameters.definitions)
    return Problem(f'no parameter or option "{name}"{near}', None, hint)


def _shadowed(request: Request, parameters: Parameters) -> list[str]:
    """Return a note for each keyword that was an option and could have meant a parameter."""
    selected = [name for name in SELECTION if getattr(request.selection, name)]
    return [
        f'{name}= is the option; the parameter "{name}" is set by run({{"{name}": ...}})'
        for name in (*request.options, *selected)
        if name in parameters.definitions and name not in parameters.sources
    ]


def _unread(request: Request, parameters: Parameters) -> Iterator[str]:
    """Yield a note for each text that stands for a value of the type that a default is of.

    What is given in Python is not checked against a default, so it may be meant; a text that is no
    such value is.
    """
    for name, text in request.values.items():
        definition = parameters.definitions.get(name) if isinstance(text, str) else None
        if definition is None or definition.type is not None:
            continue
        usual = definition.default
        number = _parsed(definition, text) if type(usual) in _NUMBERS else None
        if number is not None:
            declared = f"Parameter({type(usual).__name__} | str, {usual!r})"
            yield (
                f'parameter "{name}" is the text {short(text)}, and its default is {usual!r}:'
                f" write {number!r}, or declare {declared}"
            )


def _parsed(definition: Parameter, text: str) -> Any:
    try:
        return definition.parse(text)
    except ParameterError:
        return None
