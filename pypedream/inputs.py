"""Inputs: which argument of a stage gets its value from where.

The explicit form is ``Input(as_arg=..., bind=InputBinding....)``; ``param``, ``var``,
``dependency`` and ``immediate`` are short for the four that are needed most.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from attrs import Factory, field, frozen

from pypedream import context
from pypedream.errors import DefinitionError, UnboundInputException, UndefinedInputException
from pypedream.outputs import NOT_GIVEN, RETURN
from pypedream.places import Place, calling_place
from pypedream.values import said, with_what_is_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.mappers import DependencyInputMapper, KeyedInputMapper
    from pypedream.protocols import InputMapper


def _check_mapper(_: object, __: object, mapper: Any) -> None:
    if mapper is not None and not callable(mapper):
        raise DefinitionError(
            f"a mapper is a function of what the source holds, and {said(mapper)} cannot be"
            f" called ({calling_place()})"
        )


@frozen(repr=False)
class InputBinding:
    """Where a value comes from; made by the four class methods, called to get the value.

    Attributes
    ----------
    kind
        "immediate", "contextual", "callback", or "file" for what an annotation says.
    source
        The value, the ContextVar or the function.
    mapper
        From what the source holds to the value of the argument; None leaves it as it is.
    ready
        Whether the source is read before the mapper gets it. If not, the mapper gets the
        ContextVar or the function itself.
    arguments
        What a callback is called with.
    """

    kind: str
    source: Any
    mapper: InputMapper | None = field(default=None, validator=_check_mapper)
    ready: bool = True
    arguments: tuple[Any, ...] = ()

    __repr__ = with_what_is_set

    @classmethod
    def immediate(cls, value: Any, mapper: InputMapper | None = None) -> InputBinding:
        """Bind to a value that is known now.

        Examples
        --------
        >>> InputBinding.immediate(3)()
        3
        """
        return cls("immediate", value, mapper)

    now = immediate

    @classmethod
    def contextual(
        cls, source: ContextVar[Any], mapper: InputMapper | None = None, *, get_first: bool = True
    ) -> InputBinding:
        """Bind to what a ContextVar holds when the stage is called.

        Parameters
        ----------
        source
            One of ``pypedream.context`` (PARAMETERS, STAGES, VARIABLES, ...) or your own.
        mapper
            From the value of the variable to the value of the argument. A mapper may read any
            ContextVar, not only this one.
        get_first
            Whether the mapper gets the value. If not, it gets the ContextVar itself, which is
            of use when the variable may be unset.

        Raises
        ------
        DefinitionError
            If *source* is no ContextVar, or *mapper* cannot be called.
        """
        if not isinstance(source, ContextVar):
            raise DefinitionError(
                "a deferred binding reads a ContextVar such as context.PARAMETERS, not"
                f" {said(source)} ({calling_place()})"
            )
        return cls("contextual", source, mapper, get_first)

    deferred = contextual

    @classmethod
    def callback(
        cls,
        source: Callable[..., Any],
        *arguments: Any,
        mapper: InputMapper | None = None,
        call_first: bool = True,
    ) -> InputBinding:
        """Bind to what a function returns when the stage is called.

        Parameters
        ----------
        source
            The function; it is called once an attempt.
        arguments
            What it is called with.
        mapper
            From what it returned to the value of the argument.
        call_first
            Whether the mapper gets the returned value. If not, it gets the function itself.

        Raises
        ------
        DefinitionError
            If *source* or *mapper* cannot be called.

        Examples
        --------
        >>> InputBinding.callback(max, 3, 5)()
        5
        """
        if not callable(source):
            raise DefinitionError(
                f"a callback is a function, and {said(source)} cannot be called ({calling_place()})"
            )
        return cls("callback", source, mapper, call_first, arguments)

    def __call__(self) -> Any:
        """Return the value.

        Raises
        ------
        UnboundInputException
            If the ContextVar is not set, or holds nothing under the mapper's name.
        """
        try:
            value = self._read() if self.ready else self.source
            return value if self.mapper is None else self.mapper(value)
        except UndefinedInputException as error:
            raise UnboundInputException(str(error)) from error

    def _read(self) -> Any:
        if self.kind in ("immediate", "file"):
            return self.source
        if self.kind == "callback":
            return self.source(*self.arguments)
        try:
            return self.source.get()
        except LookupError as error:
            raise UnboundInputException(
                f'context variable "{self.source.name}" is not set'
            ) from error


def _check_name(_: object, __: object, name: Any) -> None:
    if not isinstance(name, str):
        raise DefinitionError(
            f"as_arg is the name of an argument, not {said(name)} ({calling_place()})"
        )


def _check_binding(one: Input, _: object, bind: Any) -> None:
    if not isinstance(bind, InputBinding):
        raise DefinitionError(
            f'argument "{one.as_arg}" is bound to {said(bind)}, which is no InputBinding:'
            f" for a value write InputBinding.now(...) ({calling_place()})"
        )


@frozen
class Input:
    """One argument of a stage and where its value comes from.

    Attributes
    ----------
    as_arg
        Name of the argument.
    bind
        Where the value comes from.
    logged
        Whether the value is part of every event that the stage logs.
    """

    as_arg: str = field(validator=_check_name)
    bind: InputBinding = field(validator=_check_binding)
    logged: bool = False
    place: Place | None = field(default=Factory(calling_place), eq=False, repr=False)

    def get(self) -> dict[str, Any]:
        """Return the argument with its value, as a dict of one entry."""
        return {self.as_arg: self.bind()}


def immediate(value: Any, as_arg: str, *, logged: bool = False) -> Input:
    """Bind an argument to a value that is known now.

    Examples
    --------
    >>> immediate(3, "x").get()
    {'x': 3}
    """
    return Input(as_arg, InputBinding.immediate(value), logged)


def param(
    name: str,
    as_arg: str | None = None,
    *,
    default: Any = NOT_GIVEN,
    required: bool | None = None,
    logged: bool = False,
) -> Input:
    """Bind an argument to a parameter; *as_arg* is the parameter's own name if left out.

    *default* and *required* are those of `KeyedInputMapper`.
    """
    bind = _keyed(context.PARAMETERS, name, default, required)
    return Input(as_arg or _last(name), bind, logged)


def var(
    name: str,
    as_arg: str | None = None,
    *,
    default: Any = NOT_GIVEN,
    required: bool | None = None,
    logged: bool = False,
) -> Input:
    """Bind an argument to a variable; *as_arg* is the variable's own name if left out.

    The stage gets the value that the variable has when the stage is called.
    *default* and *required* are those of `KeyedInputMapper`.
    """
    bind = _keyed(context.VARIABLES, name, default, required)
    return Input(as_arg or _last(name), bind, logged)


def dependency(
    from_stage: str,
    as_arg: str | None = None,
    from_output: str = RETURN,
    *,
    default: Any = NOT_GIVEN,
    required: bool | None = None,
    logged: bool = False,
) -> Input:
    """Bind an argument to an output of a stage.

    *as_arg* is, if left out, the name of the output, or of the stage for its return value.
    *default* and *required* are those of `DependencyInputMapper`.
    """
    from pypedream.mappers import DependencyInputMapper

    mapper = DependencyInputMapper(from_stage, from_output, default, required)
    bind = InputBinding.contextual(context.STAGES, mapper)
    name = from_stage if from_output == RETURN else from_output
    return Input(as_arg or _last(name), bind, logged)


def stage_read_by(binding: InputBinding) -> DependencyInputMapper | None:
    """Return the mapper of a binding that says which stage it reads, or None.

    A class derived from it may do anything, so only the mapper itself is taken at its word.
    """
    if binding.source is not context.STAGES or not binding.ready:
        return None
    from pypedream.mappers import DependencyInputMapper

    mapper = binding.mapper
    return mapper if type(mapper) is DependencyInputMapper else None


def key_read_by(binding: InputBinding, source: ContextVar[Any]) -> KeyedInputMapper | None:
    """Return the mapper of a binding that says which key of *source* it reads, or None."""
    if binding.source is not source or not binding.ready:
        return None
    from pypedream.mappers import KeyedInputMapper

    mapper = binding.mapper
    return mapper if type(mapper) is KeyedInputMapper else None


def _keyed(source: ContextVar[Any], *told: Any) -> InputBinding:
    from pypedream.mappers import KeyedInputMapper  # stages with inputs of their own are few

    return InputBinding.contextual(source, KeyedInputMapper(*told))


def _last(name: str) -> str:
    return name.rpartition(".")[2]
