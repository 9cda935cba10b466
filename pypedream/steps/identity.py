"""What a kept result of a step stands for: the steps that led to it, and the item that came in.

A step counts by the full name of its class, the code of that class and all of its fields, those
with their default as well. A position in a chain counts by all steps up to it, each taken in once:
the digest of a position goes on from that of the one before. All digests are of 256 bits.
"""

from __future__ import annotations

from collections.abc import Set
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pypedream.errors import StepError, UnhashableInput
from pypedream.names import did_you_mean
from pypedream.steps.no_value import NO_VALUE, NoValue
from pypedream.store.encoding import SCALARS, Encoding, joined, label, name_of, tagged, text
from pypedream.store.identity import code_identity
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

    from pypedream.steps.step import Step

__all__ = ["NoValue", "fields_that_count", "item_identity", "position_after", "uid_of"]

_LONG = 100
_START = b"pypedream/step/1"
_NO_INPUT = text(b"no input", "")
_DEFAULTS: WeakKeyDictionary[type, dict[str, tuple[bytes, Any]]] = WeakKeyDictionary()
_CODES: ContextVar[dict[type, str] | None] = ContextVar("pypedream.steps.codes", default=None)


@contextmanager
def codes_known_once() -> Iterator[None]:
    """Look at the code of each class once within the block, however many steps are of it."""
    token = _CODES.set({}) if _CODES.get() is None else None
    try:
        yield
    finally:
        if token is not None:
            _CODES.reset(token)


def code_of(kind: type[Step]) -> str:
    """Return what the code of a class of steps is, or the version that stands for it."""
    version = kind.__dict__.get("__pypedream_version__")
    if version is not None:
        return f"version {version}"
    known = _CODES.get()
    if known is None:
        return code_identity(kind).digest
    if kind not in known:
        known[kind] = code_identity(kind).digest
    return known[kind]


def fields_that_count(step: Step) -> dict[str, Any]:
    """Return the fields that decide about what a step gives, by name."""
    names = step._exclude_from_cls_uid()
    if type(names) is not list:
        _check_names(step, names)
    left_out = {"infra", *names}
    if len(left_out) > 1 and not left_out <= type(step).__pydantic_fields__.keys():
        _check_left_out(step, left_out)
    own, declared = vars(step), type(step).__pydantic_fields__  # there may be cached properties
    counted = {name: own[name] for name in declared if name in own}
    for name, (written, value) in _defaults_of(type(step)).items():
        is_default = name in counted and name not in step.__pydantic_fields_set__
        if is_default and Encoding().encode(counted[name]) == written:
            counted[name] = value
    counted |= step.__pydantic_extra__ or {}
    return {name: value for name, value in counted.items() if name not in left_out}


def _check_names(step: Step, names: object) -> None:
    """Raise if what is to be left out is no collection of names; the letters of a text are not."""
    if not isinstance(names, (list, tuple, Set)) or not all(isinstance(it, str) for it in names):
        kind, wanted = type(step).__name__, f'["{names}"]' if isinstance(names, str) else '["name"]'
        told = f"{kind}._exclude_from_cls_uid returned {short(names)}"
        raise StepError(f"{told}: return a list of names, {wanted}")


def _check_left_out(step: Step, names: set[str]) -> None:
    """Raise if a name that is no field is nearly one: the field that is meant would count."""
    _check_names(step, names - {"infra"})
    fields = {*type(step).__pydantic_fields__, *(step.__pydantic_extra__ or ())}
    for name in sorted(names - fields):
        if near := did_you_mean(name, fields - names):
            kind = type(step).__name__
            raise StepError(f'{kind}._exclude_from_cls_uid names "{name}", which is no field{near}')


def _defaults_of(kind: type[Step]) -> dict[str, tuple[bytes, Any]]:
    """Return the defaults that are others when they are said: as they stand, and as they are then.

    A default is not validated, so that of ``rate: float = 1`` is 1, while who says 1 has 1.0.
    """
    known = _DEFAULTS.get(kind)
    if known is None:
        known = _DEFAULTS[kind] = {}
        for name, declared in kind.__pydantic_fields__.items():
            default = declared.default
            if declared.is_required() or default is None or type(default) is declared.annotation:
                continue
            with suppress(Exception):  # it can be said in no way, or has no digest
                value, written = _validated(declared, default), Encoding().encode(default)
                if Encoding().encode(value) != written:
                    known[name] = written, value
    return known


def _validated(declared: FieldInfo, value: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(declared.rebuild_annotation()).validate_python(value)


def position_after(before: bytes, step: Step) -> bytes:
    """Return the digest of a position from the one before it and the step between."""
    kind = type(step)
    parts = [text(b"class", name_of(kind)), text(b"code", code_of(kind))]
    for name, value in fields_that_count(step).items():
        scalar = SCALARS.get(type(value))
        parts.append(label(name))
        try:
            parts.append(Encoding().encode(value) if scalar is None else scalar(value))
        except UnhashableInput as error:
            error.add_note(
                f"it is the field {name} of {kind.__name__}, which _exclude_from_cls_uid may leave"
                " out if the results do not depend on it"
            )
            raise
    return sha256((before or _START) + joined(b"step", parts)).digest()


def item_identity(step: Step | None, value: Any) -> bytes:
    """Return what tells an item from others, by what *step* says if it says anything.

    Raises
    ------
    TypeError
        If the step names an item that is not there and takes an input as well.
    """
    named = None
    if step is not None and step.__pypedream_flags__.names_items:
        named = step.item_uid(value)
    if step is not None and named is not None:
        if value is NO_VALUE and not step.__pypedream_flags__.is_pure_generator:
            raise TypeError(
                f"{type(step).__name__}.item_uid names the item where there is no input, and"
                " _run takes one: results of different inputs would be mixed up"
            )
        return text(b"named item", str(named))
    if value is NO_VALUE:
        return _NO_INPUT
    scalar = SCALARS.get(type(value))
    try:
        encoded = Encoding().encode(value) if scalar is None else scalar(value)
    except UnhashableInput as error:
        name = "a step" if step is None else type(step).__name__
        error.add_note(f"it is an input of {name}, whose item_uid may say what tells inputs apart")
        raise
    if len(encoded) > _LONG:  # it is kept in memory for each item
        return tagged(b"long item", sha256(encoded).digest())
    return tagged(b"item", encoded)


def uid_of(position: bytes, identity: bytes) -> str:
    """Return what stands for an item at a position: 64 hex digits."""
    return sha256(position + identity).hexdigest()
