"""Chain: steps one after the other, each of which gets what the one before it gave."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from operator import is_
from typing import TYPE_CHECKING, Annotated, Any, overload

from pydantic import Discriminator, Tag

from pypedream.names import did_you_mean, there_are
from pypedream.steps.kinds import aliases_of, wrong
from pypedream.steps.nesting import entered
from pypedream.steps.step import Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pypedream.steps.nesting import Around

__all__ = ["Chain"]


def _form_of(steps: object) -> str | None:
    if isinstance(steps, dict):
        return "names"
    return "list" if isinstance(steps, Sequence) and not isinstance(steps, (str, bytes)) else None


class Chain(Step):
    """Steps one after the other; a chain is a step as well.

    A chain and its last step keep one result together. The folder of its ``infra`` is that of the
    steps in it that have an ``infra`` without a folder.

    Parameters
    ----------
    steps
        The steps, or a mapping of names to steps.

    Examples
    --------
    >>> class Add(Step):
    ...     value: int = 1
    ...     def _run(self, number):
    ...         return number + self.value
    >>> chain = Chain(steps=[Add(), Add(value=10)])
    >>> chain.run(5), len(chain), chain[1]
    (16, 2, Add(infra=None, value=10))
    >>> [step.value for step in chain]
    [1, 10]
    """

    steps: Annotated[
        Annotated[Sequence[Step], Tag("list")] | Annotated[OrderedDict[str, Step], Tag("names")],
        Discriminator(
            _form_of,
            custom_error_type="steps",
            custom_error_message="steps are a list of steps, or a mapping of names to steps",
        ),
    ]

    def model_post_init(self, context: Any, /) -> None:
        """Give the folder of the chain to its steps."""
        if not self.steps:
            raise ValueError("a chain needs a step: steps cannot be empty")
        super().model_post_init(context)
        if self.infra is not None and self.infra.folder is not None:
            self._hand_on(self.infra.folder)

    def _hand_on(self, folder: Path, around: Around = ()) -> None:
        """Give a folder to the steps that keep something and have none; others stay shared."""
        steps = self.steps
        if isinstance(steps, dict):
            named = steps.items()
            self.steps = OrderedDict((name, _within(each, folder, around)) for name, each in named)
        else:
            self.steps = [_within(each, folder, around) for each in steps]

    def _parts(self) -> Sequence[Step]:
        steps = self.steps
        return tuple(steps.values()) if isinstance(steps, dict) else steps

    def item_uid(self, value: Any) -> str | None:
        """Return what the first step says."""
        return self._parts()[0].item_uid(value)

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:  # type: ignore[override]  # pydantic's are the fields
        return iter(self._parts())

    def __contains__(self, step: object) -> bool:
        named = self.steps if isinstance(self.steps, dict) else ()
        return step in named if isinstance(step, str) else step in self._parts()

    @overload
    def __getitem__(self, index: int | str) -> Step: ...

    @overload
    def __getitem__(self, index: slice) -> Chain: ...

    def __getitem__(self, index: int | str | slice) -> Step:
        steps = self.steps
        if isinstance(index, str):
            if not isinstance(steps, dict):
                raise TypeError(
                    f'the steps of this chain have no names: ask by number, not "{index}"'
                )
            if index not in steps:
                near = did_you_mean(index, steps) or f": {there_are(steps)}"
                raise KeyError(f'this chain has no step "{index}"{near}')
            return steps[index]
        if isinstance(index, int):
            if not -len(steps) <= index < len(steps):
                raise IndexError(f"this chain has {len(steps)} steps: there is no {index}")
            return self._parts()[index]
        some = self._parts()[index]
        if isinstance(steps, dict):
            named = OrderedDict(zip(list(steps)[index], some, strict=True))
            return type(self)(steps=named, infra=self.infra)
        return type(self)(steps=list(some), infra=self.infra)


def _within(step: Step, folder: Path, around: Around) -> Step:
    """Return a step as it is in a folder: itself, or a copy of it."""
    given = step
    infra = step.infra
    if infra is not None and infra.folder is None:
        step = step.model_copy(update={"infra": infra.model_copy(update={"folder": folder})})
        infra = step.infra
    if isinstance(step, Chain):
        own = folder if infra is None else infra.folder or folder
        before, step = step, step.model_copy()
        step._hand_on(own, entered(given, around))
        if all(map(is_, before._parts(), step._parts())) and before.infra is infra:
            return before
    return step


def configuration_of(cls: type[Step], value: Any) -> Any:
    """Return a list of steps, or a mapping of names to steps, as the configuration of a chain."""
    key = cls.__pypedream_key__
    if callable(value) and not isinstance(value, Step):
        name = getattr(value, "__name__", type(value).__name__)
        raise wrong(f"{name} is no step: write Func(function={name})")
    if isinstance(value, str):
        raise wrong(f'"{value}" is no step: write {{"{key}": "{value}"}}, or the step itself')
    if isinstance(value, (list, tuple)):
        if not issubclass(Chain, cls):
            raise wrong(f"a list of steps is a Chain, and here is wanted: {cls.__name__}(...)")
        return {key: "Chain", "steps": value}
    if not isinstance(value, dict) or not value or key in value:
        return value
    is_own = value.keys() <= {*cls.__pydantic_fields__, *aliases_of(cls)}
    is_open = not is_own and issubclass(Chain, cls)
    if is_open and all(_is_step(each, key) for each in value.values()):
        return {key: "Chain", "steps": OrderedDict(value)}
    return value


def _is_step(value: Any, key: str) -> bool:
    return isinstance(value, Step) or (isinstance(value, dict) and key in value)


Chain.item_uid.__pypedream_default__ = True  # type: ignore[attr-defined]
Chain.__pypedream_flags__ = Chain.__pypedream_flags__._replace(names_items=False)
