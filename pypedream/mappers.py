"""Mappers: from what a source holds to an argument, and from a return value to named outputs.

An input mapper is any callable with one argument; the two here are those that a plan can read,
because they say by name what they take. An output mapper is any callable that returns a mapping.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Flag, auto
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from pypedream.errors import DefinitionError, PypedreamError, UndefinedInputException
from pypedream.names import did_you_mean
from pypedream.outputs import EXTRA, NOT_GIVEN, RETURN
from pypedream.places import calling_place
from pypedream.values import said

if TYPE_CHECKING:
    from attrs import Attribute

    from pypedream.protocols import OutputMapper


def _check_text(_: object, attribute: Attribute[str], name: object) -> None:
    if not isinstance(name, str):
        own = getattr(name, "__name__", "")
        near = f'; did you mean "{own}"?' if own else ""
        raise DefinitionError(
            f"{attribute.name} is a name, not {said(name)}{near} ({calling_place()})"
        )


@frozen
class KeyedInputMapper:
    """Take the value under one key of a mapping, such as the parameters.

    Parameters
    ----------
    from_key
        The key; a dotted name reaches into nested parameters.
    default
        What to take when the key is missing. Without it the argument is left out, and the
        function's own default holds.
    required
        Whether a missing key is an error. None means: yes, unless there is a default.

    Raises
    ------
    UndefinedInputException
        When called, if the key is missing and required.

    Examples
    --------
    >>> KeyedInputMapper(from_key="rate")({"rate": 0.1})
    0.1
    >>> KeyedInputMapper("depth", default=3)({"rate": 0.1})
    3
    """

    from_key: str = field(validator=_check_text)
    default: Any = NOT_GIVEN
    required: bool | None = None

    @property
    def is_required(self) -> bool:
        """Whether a missing key is an error."""
        return self.default is NOT_GIVEN if self.required is None else self.required

    def __call__(self, source: Mapping[str, Any]) -> Any:
        """Return the value under the key."""
        try:
            return source[self.from_key]
        except (KeyError, TypeError) as error:
            if not self.is_required:
                return self.default
            if isinstance(error, PypedreamError):
                raise UndefinedInputException(str(error)) from error
            known = source if hasattr(source, "keys") else ()
            raise UndefinedInputException(
                f'nothing under "{self.from_key}"{did_you_mean(self.from_key, known)}'
            ) from error


@frozen
class DependencyInputMapper:
    """Take an output of another stage.

    Parameters
    ----------
    from_stage
        Key of the stage.
    from_output
        Name of the output; "return" is the return value as it is.
    default
        What to take when the stage was skipped or has no such output. Without it the argument
        is left out, and the function's own default holds.
    required
        Whether a missing output is an error. None means: yes, unless there is a default.

    Raises
    ------
    UndefinedInputException
        When called, if the stage or the output is missing and required.

    Examples
    --------
    >>> DependencyInputMapper("load")({"load": {"return": 42}})
    42
    """

    from_stage: str = field(validator=_check_text)
    from_output: str = field(default=RETURN, validator=_check_text)
    default: Any = NOT_GIVEN
    required: bool | None = None

    @property
    def is_required(self) -> bool:
        """Whether a missing output is an error."""
        return self.default is NOT_GIVEN if self.required is None else self.required

    def __call__(self, source: Mapping[str, Mapping[str, Any]]) -> Any:
        """Return the output of the stage."""
        outputs = source.get(self.from_stage)
        if outputs is not None and self.from_output in outputs:
            return outputs[self.from_output]
        if not self.is_required:
            return self.default
        if outputs is None:
            near = did_you_mean(self.from_stage, source)
            raise UndefinedInputException(f'no output of a stage "{self.from_stage}"{near}')
        near = did_you_mean(self.from_output, outputs)
        raise UndefinedInputException(
            f'stage "{self.from_stage}" has no output "{self.from_output}"{near}'
        )


class OutputMapperBehaviour(Flag):
    """What an output mapper does with outputs that it did not expect, or misses."""

    STRICT = auto()
    CHILL = auto()
    PRESERVE = auto()
    WARN_UNEXPECTED = auto()


STRICT, CHILL, PRESERVE, WARN_UNEXPECTED = OutputMapperBehaviour


def _check_behaviour(mapper: object, _: object, behaviour: Any) -> None:
    shown = said(behaviour)
    if isinstance(behaviour, OutputMapperBehaviour):
        if sum(one in behaviour for one in (STRICT, CHILL, PRESERVE)) == 1:
            return
        shown = behaviour.name or "0"
    raise DefinitionError(
        f"{type(mapper).__name__}: behaviour {shown} is not one of STRICT, CHILL and PRESERVE,"
        f" alone or | WARN_UNEXPECTED ({calling_place()})"
    )


def _as_names(keys: Iterable[str]) -> tuple[str, ...]:
    names = () if isinstance(keys, str) else tuple(keys)
    if not names or not all(isinstance(name, str) for name in names):
        raise DefinitionError(
            f"SequentialOutputMapper takes a list of names, not {said(keys)} ({calling_place()})"
        )
    return names


def _as_renaming(keys: Mapping[str, str]) -> dict[str, str]:
    is_mapping = hasattr(keys, "keys")
    if not is_mapping or not all(isinstance(name, str) for name in keys.values()):
        raise DefinitionError(
            "KeyedOutputMapper takes a mapping from key to name of the output,"
            f" not {said(keys)} ({calling_place()})"
        )
    return dict(keys)


@frozen
class SequentialOutputMapper:
    """Name the members of a returned sequence, in order.

    Parameters
    ----------
    keys
        The names.
    behaviour
        When there are more or fewer members than names: STRICT raises, CHILL maps what it can,
        PRESERVE also keeps the surplus as a list under "_extra". ``| WARN_UNEXPECTED`` warns.

    Raises
    ------
    DefinitionError
        If *keys* is no list of names, or the behaviour is none of these.
    TypeError
        When called, if what the stage returned is no sequence.
    ValueError
        When called, if the lengths differ and the behaviour is STRICT.

    Examples
    --------
    >>> SequentialOutputMapper(["train", "test"])([[1, 2], [3]])
    {'train': [1, 2], 'test': [3]}
    >>> SequentialOutputMapper(["first"], PRESERVE)("abc")
    {'first': 'a', '_extra': ['b', 'c']}
    """

    keys: tuple[str, ...] = field(converter=_as_names)
    behaviour: OutputMapperBehaviour = field(default=STRICT, validator=_check_behaviour)

    def __call__(self, value: Any) -> dict[str, Any]:
        """Return the outputs by name."""
        if not isinstance(value, Iterable) or isinstance(value, Mapping):
            raise TypeError(f"the stage returned {_kind(value)}, no sequence")
        members = list(value)
        outputs = dict(zip(self.keys, members, strict=False))
        if len(members) == len(self.keys):
            return outputs
        _unexpected(self.behaviour, f"{len(members)} values for {_listed(self.keys)}")
        if PRESERVE in self.behaviour and len(members) > len(self.keys):
            outputs[EXTRA] = members[len(self.keys) :]
        return outputs


@frozen
class KeyedOutputMapper:
    """Rename the entries of a returned mapping.

    Parameters
    ----------
    keys
        From the key in the returned mapping to the name of the output.
    behaviour
        When the keys are not exactly these: STRICT raises, CHILL maps what it can, PRESERVE
        also keeps the others under their own keys. ``| WARN_UNEXPECTED`` warns.

    Raises
    ------
    DefinitionError
        If *keys* is no mapping to names, or the behaviour is none of these.
    TypeError
        When called, if what the stage returned is no mapping.
    ValueError
        When called, if the keys differ and the behaviour is STRICT, or if a preserved key is
        also the name of an output.

    Examples
    --------
    >>> KeyedOutputMapper({"m": "mean"})({"m": 2.5})
    {'mean': 2.5}
    """

    keys: dict[str, str] = field(converter=_as_renaming)
    behaviour: OutputMapperBehaviour = field(default=STRICT, validator=_check_behaviour)

    def __call__(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs by name."""
        if not hasattr(value, "keys"):
            raise TypeError(f"the stage returned {_kind(value)}, no mapping")
        outputs = {name: value[key] for key, name in self.keys.items() if key in value}
        extra = {key: value[key] for key in value if key not in self.keys}
        if not extra and len(outputs) == len(self.keys):
            return outputs
        _unexpected(self.behaviour, f"keys {_listed(value)} for {_listed(self.keys)}")
        if PRESERVE not in self.behaviour:
            return outputs
        clash = outputs.keys() & extra.keys()
        if clash:
            raise ValueError(f"preserved keys are also names of outputs: {_listed(clash)}")
        return {**outputs, **extra}


def names_of(mapper: object) -> tuple[str, ...]:
    """Return the names that a mapper gives to outputs, as its user wrote them.

    A class derived from one of the two here may do anything, so nothing is known of it.
    """
    if type(mapper) is SequentialOutputMapper:
        return mapper.keys
    return tuple(mapper.keys.values()) if type(mapper) is KeyedOutputMapper else ()


def outputs_of(mapper: OutputMapper | None) -> tuple[str, ...] | None:
    """Return the outputs that a stage with this mapper has; None when that cannot be told."""
    if mapper is None:
        return ()
    if type(mapper) is SequentialOutputMapper:
        return (*mapper.keys, EXTRA) if PRESERVE in mapper.behaviour else mapper.keys
    is_known = type(mapper) is KeyedOutputMapper and PRESERVE not in mapper.behaviour
    return names_of(mapper) if is_known else None


def _kind(value: object) -> str:
    return f"a value of type {type(value).__name__}"


def _unexpected(behaviour: OutputMapperBehaviour, what: str) -> None:
    if STRICT in behaviour:
        raise ValueError(f"the stage returned {what}")
    if WARN_UNEXPECTED in behaviour:
        from warnings import warn

        warn(f"the stage returned {what}", UserWarning, stacklevel=3)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names) or "nothing"
