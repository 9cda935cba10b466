"""Step: a typed configuration that computes one value from another, or from nothing."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from pydantic import PrivateAttr
from pydantic_core import PydanticSerializationError

from pypedream.steps.backend import Backend
from pypedream.steps.identity import code_of, fields_that_count
from pypedream.steps.items import StepItems
from pypedream.steps.kinds import Kind, name_of, unnamed
from pypedream.steps.nesting import leaves_of
from pypedream.steps.no_value import NO_VALUE
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pypedream.steps.lookup import LookupHandle
    from pypedream.steps.nesting import Around

__all__ = ["Step"]

_LONGEST = 40
_MOST_SHOWN = 10
_METHODS = {
    name.strip("_"): name
    for name in ("_run", "_run_batch", "_resolve_step", "item_uid", "_exclude_from_cls_uid")
}
_STARTS = {name[:2] for name in _METHODS}
_NEAR = 0.85
_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Flags(NamedTuple):
    """What a class of steps has made its own.

    Attributes
    ----------
    is_runnable
        Whether it says what it computes.
    is_batched
        Whether it computes many items in one call.
    is_composed
        Whether it stands for other steps.
    is_generator
        Whether it needs no input.
    is_pure_generator
        Whether it takes none.
    names_items
        Whether it tells items apart in a way of its own.
    """

    is_runnable: bool = False
    is_batched: bool = False
    is_composed: bool = False
    is_generator: bool = False
    is_pure_generator: bool = False
    names_items: bool = False


class Step(Kind):
    """A configuration that computes a value; derive from it and write ``_run``.

    The fields of the class are the configuration. What it computes is kept if it has an ``infra``,
    and found again by its class, the code of that, its fields and its input.

    Parameters
    ----------
    infra
        Where it is made and its results are kept; nothing is kept without one.

    Examples
    --------
    >>> class Scale(Step):
    ...     factor: float = 2.0
    ...     def _run(self, value):
    ...         return value * self.factor
    >>> Scale(factor=3.0).run(5.0)
    15.0
    """

    infra: Backend | None = None

    _changes: int = PrivateAttr(default=0)

    __pypedream_flags__: ClassVar[Flags] = Flags()
    __pypedream_version__: ClassVar[str | None] = None

    @classmethod
    def __pydantic_init_subclass__(cls, **keywords: Any) -> None:
        super().__pydantic_init_subclass__(**keywords)
        if hasattr(cls, "_forward"):
            raise TypeError(f"{cls.__name__} has a method _forward: its name is _run")
        _check_names(cls)
        cls.__pypedream_version__ = keywords.get("version")
        cls.__pypedream_flags__ = _flags_of(cls)

    def model_post_init(self, context: Any, /) -> None:
        """See to it that the class says what it computes."""
        super().model_post_init(context)
        flags = self.__pypedream_flags__
        if not (flags.is_runnable or flags.is_composed):
            name = type(self).__name__
            if type(self).run is not Step.run:
                raise TypeError(f"{name} has a method run: its name is _run")
            raise TypeError(
                f"{name} computes nothing: write a method _run, _run_batch or _resolve_step"
            )

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in type(self).__pydantic_fields__:
            self._changes += 1  # who computes with the step wants to know

    @classmethod
    def _as_configuration(cls, value: Any) -> Any:
        from pypedream.steps.chain import configuration_of

        return configuration_of(cls, value)

    @classmethod
    def _know_all(cls) -> None:
        import_module("pypedream.steps.func")

    @classmethod
    def _check_unnamed(cls) -> None:
        flags = cls.__pypedream_flags__
        if not (flags.is_runnable or flags.is_composed) and cls.__subclasses__():
            raise unnamed(cls)  # it is there to be derived from

    @classmethod
    def _exclude_from_cls_uid(cls) -> list[str]:
        """Return the names of fields that do not decide about what the step gives."""
        return ["infra"]

    def _run(self, *args: Any) -> Any:
        """Compute one value; a class says what by a method of its own."""
        raise NotImplementedError

    def _run_batch(self, values: Iterable[Any]) -> Iterator[Any]:
        """Compute many values; yield one result for each value, in their order."""
        for value in values:
            yield self._run() if value is NO_VALUE else self._run(value)

    def _resolve_step(self) -> Step:
        """Return the step or chain that this one stands for; itself if it is one."""
        return self

    def _parts(self) -> Sequence[Step] | None:
        """Return the steps of a chain; None for what is none."""
        return None

    def item_uid(self, value: Any) -> str | None:  # noqa: ARG002 - for classes that say more
        """Return what tells an input from others, or None to take what it is.

        A step that takes no input may name an item for `NoValue`, too.
        """
        return None

    def run(self, value: Any = NO_VALUE) -> Any:
        """Return what the step gives for one input, kept or computed.

        Parameters
        ----------
        value
            The input; left out for a step that takes none.
        """
        return next(iter(self.run_many((value,))))

    def run_many(self, values: Iterable[Any]) -> StepItems:
        """Return what the step gives for many inputs, each kept for itself.

        Nothing is computed until the results are asked for, one after the other.

        Examples
        --------
        >>> class Double(Step):
        ...     def _run(self, value):
        ...         return value * 2
        >>> doubled = Double().run_many([1, 2])
        >>> doubled, list(doubled)
        (<StepItems: 2 of Double>, [2, 4])
        """
        if isinstance(values, (str, bytes)) or not isinstance(values, (tuple, Iterable)):
            told = short(values, _LONGEST)
            raise TypeError(f"run_many takes many inputs, as a list; run({told}) takes one")
        return StepItems(self, values if isinstance(values, tuple) else tuple(values))

    def lookup(self, value: Any = NO_VALUE) -> LookupHandle:
        """Return a handle on what is kept for an input; it computes nothing.

        Examples
        --------
        >>> from tempfile import mkdtemp
        >>> class Double(Step):
        ...     def _run(self, value):
        ...         return value * 2
        >>> step = Double(infra={"folder": mkdtemp()})
        >>> handle = step.lookup(3)
        >>> handle.status, step.run(3), handle.status, handle.result()
        (None, 6, 'success', 6)
        """
        from pypedream.steps.lookup import handle_of

        return handle_of(self, value)

    def clone(self, *args: dict[str, Any], **kwargs: Any) -> Self:
        """Return a new step of the same configuration, with other values for some fields.

        Parameters
        ----------
        args
            One mapping of field to value; "steps.0.rate" names a field further in.
        kwargs
            The same as keywords.
        """
        from pypedream.steps.cloning import cloned

        return cloned(self, args, kwargs)

    def __call__(self, *value: Any, **named: Any) -> Any:
        """Return what the step gives for an input, as a function does: so it can be a stage."""
        given = (*value, *named.values())
        if len(given) > 1:
            raise TypeError(f"{self.told()} takes one input, not {len(given)}")
        return self.run(*given)

    def __pypedream_call__(self) -> Callable[..., Any]:
        """Return the function whose argument is the input."""
        return next(leaves_of(self))._called()

    def _called(self) -> Callable[..., Any]:
        return self._run if type(self)._run is not Step._run else _one_value

    def told(self) -> str:
        """Return the step as a message shows it: its class and the fields that were set."""
        names = (*type(self).__pydantic_fields__, *(self.__pydantic_extra__ or ()))
        given = [name for name in names if name in self.__pydantic_fields_set__ and name != "infra"]
        fields = (f"{name}={short(getattr(self, name), _LONGEST)}" for name in given)
        return f"{type(self).__name__}({', '.join(fields)})"

    def __pypedream_about__(self) -> str:
        """Return in a line what a stage does whose function this is: the steps, one by one."""
        return self._about(())

    def _about(self, around: Around) -> str:
        parts = self._parts()
        if parts is None:
            return self.told()
        if any(each is self for each in around):  # a plan says what is wrong with that
            return "..."
        shown = [part._about((*around, self)) for part in parts[:_MOST_SHOWN]]
        left = len(parts) - len(shown)
        return " -> ".join([*shown, *([f"{left} more"] if left else [])])

    def __pypedream_hash__(self) -> Any:
        """Return what counts of the step where it is part of a value."""
        return "step/1", code_of(type(self)), fields_that_count(self)

    def __pypedream_inside__(self) -> dict[str, Any]:
        """Return what may not change while the step is in use, wherever it is."""
        return fields_that_count(self)

    def __pypedream_parts__(self) -> list[tuple[str, str, Any]]:
        """Return what its identity is made of, part by part: a kind, a name and a value."""
        return [part for leaf in leaves_of(self) for part in leaf._own_parts()]

    def _own_parts(self) -> list[tuple[str, str, Any]]:
        kind = type(self)
        name, version = kind.__name__, kind.__dict__.get("__pypedream_version__")
        about = ("class", name, kind) if version is None else ("version of", name, version)
        fields = fields_that_count(self).items()
        return [about, *(("field", f"{each} of {name}", value) for each, value in fields)]

    def _configuration(self) -> dict[str, Any]:
        """Return the step as JSON can hold it, with what it cannot as text."""
        try:
            return self.model_dump(mode="json", by_alias=False)
        except PydanticSerializationError:
            from pypedream.steps.records import text_of

            names = (*type(self).__pydantic_fields__, *(self.__pydantic_extra__ or ()))
            told = {name: text_of(getattr(self, name)) for name in names}
            return {self.__pypedream_key__: name_of(type(self)), **told}

    def _uid(self) -> dict[str, Any]:
        """Return what its identity is made of, for people."""
        kind, written = type(self), self._configuration()
        counted = {name: written[name] for name in fields_that_count(self) if name in written}
        return {"type": f"{kind.__module__}.{kind.__qualname__}", "code": code_of(kind), **counted}


def _one_value(value: Any) -> Any:
    """Stand for a step that makes batches: its input has no other name."""
    return value


def _check_names(kind: type[Step]) -> None:
    """Raise if a method bears nearly the name of one that steps may have: nobody would call it.

    So is it with what is no method and bears the name of one: a field, or a private attribute.
    """
    for name in (*kind.__pydantic_fields__, *kind.__private_attributes__):
        if hasattr(vars(Step).get(name), "__get__"):
            raise TypeError(
                f"{kind.__name__}.{name} is no method, as in other steps: rename it, or make it one"
            )
    for name, value in vars(kind).items():
        bare = name.strip("_")
        if bare[:2] not in _STARTS or hasattr(Step, name) or not hasattr(value, "__get__"):
            continue
        from difflib import get_close_matches

        near = get_close_matches(bare, _METHODS, n=1, cutoff=_NEAR)
        right = _METHODS[near[0]] if near else ""
        if right and inspect.getattr_static(kind, right) is vars(Step)[right]:
            raise TypeError(f'{kind.__name__} has a method "{name}"; did you mean "{right}"?')


def _check_run(kind: type[Step]) -> None:
    """Raise if what computes a value cannot be called with one."""
    run = inspect.getattr_static(kind, "_run")
    if isinstance(run, property):
        raise TypeError(f"{kind.__name__}._run is a property: make it a method")
    if inspect.isfunction(run) and not inspect.signature(run).parameters:
        raise TypeError(f"{kind.__name__}._run takes nothing, not even itself: write _run(self)")


def _flags_of(kind: type[Step]) -> Flags:
    if inspect.iscoroutinefunction(kind._run) or inspect.isasyncgenfunction(kind._run):
        raise TypeError(f"{kind.__name__}._run is async, and nobody awaits a step: make it a def")
    is_batched = kind._run_batch is not Step._run_batch
    has_run = kind._run is not Step._run
    if has_run:
        _check_run(kind)
    parameters = list(inspect.signature(kind._run).parameters.values())[1:] if has_run else []
    needed = [
        each
        for each in parameters
        if each.default is each.empty and each.kind in (*_BY_POSITION, each.KEYWORD_ONLY)
    ]
    if needed and needed[0].kind is inspect.Parameter.KEYWORD_ONLY:
        raise TypeError(
            f"{kind.__name__}._run takes {needed[0].name} by its name alone, and no step is called"
            " so: leave out the * before it"
        )
    if len(needed) > 1:
        names = " and ".join(each.name for each in needed)
        raise TypeError(
            f"{kind.__name__}._run takes {len(needed)} inputs, {names}, and a step has one: make"
            " the others fields, or the input a tuple"
        )
    return Flags(
        is_runnable=has_run or is_batched or kind._parts is not Step._parts,
        is_batched=is_batched,
        is_composed=kind._resolve_step is not Step._resolve_step,
        is_generator=has_run and not needed,
        is_pure_generator=has_run and not any(each.kind in _BY_POSITION for each in parameters),
        names_items=not hasattr(kind.item_uid, "__pypedream_default__"),
    )


Step.item_uid.__pypedream_default__ = True  # type: ignore[attr-defined]
