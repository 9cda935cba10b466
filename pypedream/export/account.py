"""What a pipeline is and what a run of it gave, as something that two interpreters can compare."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from attrs import Factory, asdict, define, fields

from pypedream.errors import UnhashableInput
from pypedream.inputs import InputBinding
from pypedream.stage import Policy
from pypedream.store.functions import CALLABLES
from pypedream.store.identity import CodeIdentity, code_identity, fingerprint
from pypedream.store.values import hash_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.engine.run import Run
    from pypedream.parameters import Parameter
    from pypedream.pipeline import Pipeline
    from pypedream.stage import Stage

UNKNOWN = "?"
_OF_HIDDEN = ("help", "secret", "env")
_OF_PARAMETER = (*_OF_HIDDEN, "type", "choices", "min", "max", "is_computed", "default")


@define
class Account:
    """What one interpreter found out.

    Attributes
    ----------
    codes
        From each stage to the identity of its function.
    settings
        From each stage to its policy and its inputs, each in words or as a digest.
    parameters
        From each parameter, variable or option of the pipeline to what it is.
    results
        From each stage to the fingerprint of its result, "?" and a type if it has none, or its
        state if there is no result.
    error
        What went wrong, in one line; "" if nothing did.
    missing
        The module that could not be found, if that is what went wrong.
    said
        The traceback of that, or what was printed.
    """

    codes: dict[str, CodeIdentity | None] = Factory(dict)
    settings: dict[str, dict[str, str]] = Factory(dict)
    parameters: dict[str, str] = Factory(dict)
    results: dict[str, str] = Factory(dict)
    error: str = ""
    missing: str = ""
    said: str = ""


def describe(pipeline: Pipeline, hidden: tuple[str, ...]) -> Account:
    """Return what a pipeline is; the defaults of *hidden* parameters do not count."""
    account, definition = Account(), pipeline.blueprint.definition
    for key, stage in definition.stages.items():
        account.codes[key] = _code(stage)
        account.settings[key] = _settings(stage) | {"scope": definition.scopes.get(key, "")}
    for name, parameter in pipeline.parameters.definitions.items():
        account.parameters[f'parameter "{name}"'] = _definition(parameter, name in hidden)
    for name, value in pipeline.variables.items():
        account.parameters[f'variable "{name}"'] = _mark(value)
    for name, value in {"name": pipeline.name, **pipeline.options}.items():
        account.parameters[f"{name} of the pipeline"] = _said(value)
    return account


def results_of(run: Run) -> dict[str, str]:
    """Return the fingerprints of what the stages of a run gave, or what became of them."""
    return {
        key: _mark(run[key]) if key in run else stage.state for key, stage in run.stages.items()
    }


def request_for(
    values: Mapping[str, Any], request: Mapping[str, Any], folder: str
) -> dict[str, Any]:
    """Return how a run for comparison is asked for: alone, quiet, and without a trace."""
    usual = {
        "executor": "serial",
        "cache": "off",
        "progress": False,
        "sinks": (),
        "workspace": folder,
        "checkpoint": False,
        "keep": "all",
    }
    return {**usual, **request, "parameters": dict(values)}


def _code(stage: Stage) -> CodeIdentity | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return code_identity(stage.function)
    except (UnhashableInput, RecursionError):
        return None


def _settings(stage: Stage) -> dict[str, str]:
    found = {each.name: _said(getattr(stage.policy, each.name)) for each in fields(Policy)}
    if stage.policy.over is not None and hasattr(stage.policy.over, "sources"):
        found["over"] += _mark(dict(stage.policy.over.sources))
    inputs = [(one.as_arg, one.logged, _said(one.bind)) for one in stage.inputs]
    return {**found, "inputs": repr(inputs), "output_mapper": _said(stage.output_mapper)}


def _said(value: Any) -> str:
    if isinstance(value, InputBinding):
        parts = [value.kind, value.source, value.mapper, value.ready, value.arguments]
        if value.kind == "contextual":
            parts[1] = value.source.name
        return repr([_said(each) for each in parts])
    if isinstance(value, (tuple, list)):
        return repr([_said(each) for each in value])
    return _mark(value)


def _definition(definition: Parameter, is_hidden: bool) -> str:
    found = asdict(definition, recurse=False)
    names = _OF_HIDDEN if is_hidden else _OF_PARAMETER
    return repr([(name, _said_of_definition(found[name])) for name in names])


def _said_of_definition(value: Any) -> str:
    return getattr(value, "__qualname__", str(value)) if isinstance(value, type) else _mark(value)


def _mark(value: Any) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return fingerprint(value) if isinstance(value, CALLABLES) else hash_value(value)
    except (UnhashableInput, RecursionError):
        return f"{UNKNOWN}{type(value).__module__}.{type(value).__qualname__}"
