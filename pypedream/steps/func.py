"""Func: a plain function as a step."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Self

import pydantic
from pydantic import ConfigDict

from pypedream.names import did_you_mean
from pypedream.stage import Stage
from pypedream.steps.functions import function_at, name_of_function
from pypedream.steps.step import Step

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Func"]

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Func(Step):
    """A plain function as a step: one of its parameters is the input, the others are fields.

    Parameters
    ----------
    function
        The function, or where it is: "package.module.name". Of a stage of a pipeline it is the
        function, with the arguments that the stage has in any run.
    input_param
        The parameter that takes the input; by default the only one without a default. A function
        whose parameters all have one takes no input.
    config
        Values for the other parameters, which must fit their annotations.

    Examples
    --------
    >>> def scale(x: float, factor: float = 2.0) -> float:
    ...     return x * factor
    >>> Func(function=scale, factor=3.0).run(5.0)
    15.0
    """

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)

    if TYPE_CHECKING:

        def __init__(self, **given: Any) -> None: ...

    function: Any
    input_param: str | None = None

    _input: str | None = pydantic.PrivateAttr(default=None)
    _is_first: bool = pydantic.PrivateAttr(default=False)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _of_stage(cls, given: Any) -> Any:
        """Take the function of a stage, and the arguments that it has whatever is run."""
        stage = given.get("function") if isinstance(given, dict) else None
        if not isinstance(stage, Stage):
            return given
        settled = {
            each.as_arg: each.bind()
            for each in stage.inputs
            if each.bind.kind == "immediate" and each.as_arg != given.get("input_param")
        }
        return {**settled, **given, "function": stage.function}

    @pydantic.field_validator("function", mode="before")
    @classmethod
    def _found(cls, function: Any) -> Callable[..., Any]:
        return function_at(function)

    @pydantic.field_serializer("function")
    def _written(self, function: Any, info: pydantic.SerializationInfo) -> Any:
        written = name_of_function(function)
        if info.mode == "json" and not isinstance(written, str):
            raise ValueError(
                f"{_name_of(function)} cannot be found by a name, so no file can hold it: define it"
                " at the top of a module"
            )
        return written

    @pydantic.model_validator(mode="after")
    def _fitting(self) -> Self:
        """See to it that the configuration fits the function, also when that is changed."""
        name = _name_of(self.function)
        _check_kind(name, self.function)
        parameters = _parameters_of(self.function)
        taken = [each for each in parameters if each in type(self).__pydantic_fields__]
        if taken:
            raise ValueError(
                f"{name} has a parameter {' and one '.join(taken)}, which is a field of Func:"
                " rename it"
            )
        given = self.__pydantic_extra__ or {}
        for each in given:
            _check_name(name, parameters, each)
        input_name = _input_of(name, parameters, self.input_param)
        for each, value in given.items():
            _check(name, parameters, each, value, input_name)
        self._input = input_name
        self._is_first = next(iter(parameters), None) == input_name
        return self

    def _called(self) -> Callable[..., Any]:
        """Return a function of the input alone."""
        named = inspect.Parameter(self._input or "value", inspect.Parameter.POSITIONAL_OR_KEYWORD)

        def called(*args: Any) -> Any:
            return self._run(*args)

        parameters = [] if self._input is None else [named]
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return called

    def _run(self, *args: Any) -> Any:
        given = dict(self.__pydantic_extra__ or {})
        if len(args) != (self._input is not None):
            needs = "takes no input" if args else f"needs an input for {self._input}: run(value)"
            fix = '; say which parameter takes it by input_param="..."' if args else ""
            raise TypeError(f"{self.told()} {needs}{fix}")
        if self._is_first:
            return self.function(*args, **given)
        return self.function(**given, **dict(zip((self._input or "",), args, strict=False)))


def _check_kind(name: str, function: Any) -> None:
    """Raise if a function is a step, which needs no Func, or is async."""
    kind, why = function if isinstance(function, type) else type(function), ""
    if issubclass(kind, Step):
        why = "is a step: it needs no Func around it"
    elif inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        why = "is async, and nobody awaits a step: make it a def"
    if why:
        raise ValueError(f"{name} {why}")


def _parameters_of(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function, eval_str=True).parameters)
    except NameError:  # an annotation that is for type checkers alone
        return dict(inspect.signature(function).parameters)
    except ValueError:
        raise ValueError(
            f"{_name_of(function)} does not say what parameters it has: call it in a function of"
            " your own"
        ) from None


def _name_of(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _input_of(
    name: str, parameters: dict[str, inspect.Parameter], wanted: str | None
) -> str | None:
    """Return the parameter that takes the input; None if the function takes none."""
    if wanted is not None:
        if wanted not in parameters:
            near = did_you_mean(wanted, parameters)
            raise ValueError(f'input_param: {name} has no parameter "{wanted}"{near}')
        return wanted
    needed = [
        each.name
        for each in parameters.values()
        if each.default is each.empty and each.kind not in _VARIADIC
    ]
    if len(needed) > 1:
        raise ValueError(
            f"{name} has {len(needed)} required parameters, {', '.join(needed)}: say which takes"
            f' the input by input_param="{needed[0]}"'
        )
    return needed[0] if needed else None


def _check_name(name: str, parameters: dict[str, inspect.Parameter], field: str) -> None:
    parameter = parameters.get(field)
    takes_all = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    if not takes_all and (parameter is None or parameter.kind in _VARIADIC):
        raise ValueError(f'{name} has no parameter "{field}"{did_you_mean(field, parameters)}')


def _check(
    name: str,
    parameters: dict[str, inspect.Parameter],
    field: str,
    value: Any,
    input_name: str | None,
) -> None:
    if field == input_name:
        raise ValueError(f'{name}: "{field}" takes the input, so it cannot be set as well')
    parameter = parameters.get(field)
    if parameter is not None and parameter.kind not in _VARIADIC:
        _check_type(name, parameter, value)


def _check_type(name: str, parameter: inspect.Parameter, value: Any) -> None:
    if parameter.annotation is parameter.empty:
        return
    config = ConfigDict(arbitrary_types_allowed=True)
    try:
        pydantic.TypeAdapter(parameter.annotation, config=config).validate_python(value)
    except pydantic.ValidationError as error:
        what = "; ".join(line["msg"] for line in error.errors())
        raise ValueError(f"{name}: {parameter.name}={value!r} does not fit: {what}") from None
