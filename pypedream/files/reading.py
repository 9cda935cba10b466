"""What a function says about files in its annotations: found quickly, then read.

A plain function is told by one look at its annotations. Text in them is searched for names, and a
name is looked up; only what mentions files is evaluated.
"""

from __future__ import annotations

import re
import sys
from functools import partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Annotated, Any, ForwardRef, Literal, get_args, get_origin

from attrs import frozen

from pypedream.files.annotations import NAMES, Annotation
from pypedream.files.scope import Missing, Scope
from pypedream.parameters.annotations import UNIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
"""A name, perhaps with dots; compiled where an annotation is text."""
_LAYERS = 50
_TYPING = ("types", "typing", "typing_extensions")
_QUALIFIERS = {"Required": True, "NotRequired": False, "ReadOnly": None}
_STAGE_PARAMS = "pypedream.files.stage_params"
STAR, STARS = 0x04, 0x08  # as in inspect, which is not imported for two numbers


@frozen(eq=False, repr=False)
class Said:
    """What one annotation says.

    Attributes
    ----------
    kind
        The type, without what is written around it; `Missing` if it is not there at run time.
    files
        The annotations beside it: instances, or what is wrongly there in place of one.
    is_required
        Of a field of a TypedDict: whether ``Required`` or ``NotRequired`` says so; else None.
    """

    kind: Any
    files: tuple[Any, ...] = ()
    is_required: bool | None = None


@frozen(eq=False, repr=False)
class Subject:
    """The function that is called in the end, and which of its arguments are given already.

    Attributes
    ----------
    function
        What is inside of partials, methods and decorators.
    fixed
        Arguments that a partial or a method gives.
    scope
        Where names in its annotations are found.
    annotations
        As they are written.
    """

    function: Any  # a FunctionType, which mypy takes for a method when it is an attribute
    fixed: frozenset[str]
    scope: Scope
    annotations: Mapping[str, Any]

    def is_about_files(self) -> bool:
        """Say whether an annotation mentions a file, or parameters of a stage."""
        return any(mentions(each, self.scope) for each in self.annotations.values())

    @property
    def arguments(self) -> list[str]:
        """The arguments that a stage has to give, in order; none of ``*`` and ``**``."""
        code = self.function.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        return [name for name in names if name not in self.fixed]

    def default_of(self, argument: str) -> Any:
        """Return the default of an argument; None if it has none."""
        code, defaults = self.function.__code__, self.function.__defaults__ or ()
        positional = code.co_varnames[: code.co_argcount][-len(defaults) :] if defaults else ()
        known = dict(zip(positional, defaults, strict=True))
        return {**known, **(self.function.__kwdefaults__ or {})}.get(argument)

    @property
    def variadic(self) -> list[str]:
        """The names after ``*`` and ``**``."""
        code = self.function.__code__
        first = code.co_argcount + code.co_kwonlyargcount
        count = bool(code.co_flags & STAR) + bool(code.co_flags & STARS)
        return list(code.co_varnames[first : first + count])


def subject_of(function: Any) -> Subject | None:
    """Return what *function* calls in the end; None if that is not written in Python."""
    fixed: set[str] = set()
    positional = 0
    for _ in range(_LAYERS):  # decorators can wrap each other in a circle
        if isinstance(function, partial):
            fixed.update(function.keywords)
            positional += len(function.args)
            function = function.func
        elif isinstance(function, MethodType):
            positional += 1
            function = function.__func__
        elif callable(layer := _wrapped(function)):
            function = layer
        elif isinstance(function, FunctionType):
            fixed.update(function.__code__.co_varnames[:positional])
            scope = Scope.of_function(function)
            return Subject(function, frozenset(fixed), scope, _written(function))
        else:
            positional += 1
            function = vars(type(function)).get("__call__")
    return None


def _wrapped(function: Any) -> Any:
    try:
        return vars(function).get("__wrapped__")
    except TypeError:  # no namespace of its own
        return None


def _written(owner: Any) -> Mapping[str, Any]:
    """Return the annotations; from 3.14 on, names that are not there are forward references."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        return get_annotations(owner, format=Format.FORWARDREF)
    found: Mapping[str, Any] = getattr(owner, "__annotations__", {})
    return found


def mentions(annotation: Any, scope: Scope) -> bool:
    """Say whether *annotation* may say something about files; no text is evaluated."""
    if isinstance(annotation, type):
        return _class_mentions(annotation)
    if isinstance(annotation, (str, ForwardRef)):
        return _text_mentions(annotation, scope)
    if isinstance(annotation, Annotation):
        return True
    if type(annotation).__module__ not in _TYPING or get_origin(annotation) is Literal:
        return False
    if type(annotation).__name__ == "TypeAliasType":
        return mentions(annotation.__value__, scope)
    beside = getattr(annotation, "__metadata__", ())
    return any(map(_is_about_file, beside)) or any(
        mentions(each, scope) for each in get_args(annotation) if not isinstance(each, list)
    )


def _text_mentions(text: str | ForwardRef, scope: Scope) -> bool:
    if isinstance(text, ForwardRef):
        scope = _scope_of(text, scope)
        text = text.__forward_arg__
    for dotted in re.findall(_DOTTED, text):
        found = scope.find(dotted)
        if isinstance(found, Missing):
            if _is_about_file(found):
                return True
        elif not isinstance(found, (str, ForwardRef)) and mentions(found, scope):
            return True
    return False


def _class_mentions(kind: type) -> bool:
    if is_typed_dict(kind):
        scope = Scope.of_module(kind.__module__)
        return any(mentions(each, scope) for each in _written(kind).values())
    return issubclass(kind, Annotation) or is_stage_params(kind)


def _is_about_file(beside: Any) -> bool:
    """Say whether what stands beside a type is one of ours, or was meant to be."""
    if isinstance(beside, Missing):
        return beside.name.rpartition(".")[2] in NAMES
    if isinstance(beside, ForwardRef):
        return any(
            each.rpartition(".")[2] in NAMES for each in re.findall(_DOTTED, beside.__forward_arg__)
        )
    return isinstance(beside, Annotation) or (
        isinstance(beside, type) and issubclass(beside, Annotation)
    )


def as_missing(value: Any) -> Any:
    """Return `Missing` for what Python 3.14 says of a name that is not there."""
    is_reference = isinstance(value, ForwardRef)
    return Missing(value.__forward_arg__.partition("(")[0]) if is_reference else value


def is_typed_dict(kind: Any) -> bool:
    """Say whether *kind* is a TypedDict, of `typing` or of `typing_extensions`."""
    return type(kind).__name__ == "_TypedDictMeta"


def is_stage_params(kind: Any) -> bool:
    """Say whether *kind* is a class of parameters, without loading what those are made of."""
    home = sys.modules.get(_STAGE_PARAMS)
    ours = getattr(home, "StageParams", None)  # another thread may be loading it now
    return ours is not None and isinstance(kind, type) and issubclass(kind, ours)


def stage_params_are_loaded() -> bool:
    """Say whether there can be a class for which `is_stage_params` holds."""
    return _STAGE_PARAMS in sys.modules


def read(annotation: Any, scope: Scope) -> Said:
    """Return what *annotation* says.

    Raises
    ------
    Exception
        Whatever code in an annotation that is text raises.
    """
    files: list[Any] = []
    is_required: bool | None = None
    origin: Any = None
    for _ in range(_LAYERS):  # an alias can name itself
        if type(annotation) is type:  # a class, as most are
            origin = None
            break
        if isinstance(annotation, (str, ForwardRef)):
            annotation = _evaluated(annotation, scope)
            continue
        origin = get_origin(annotation)
        if origin is Annotated:
            beside = filter(_is_about_file, annotation.__metadata__)
            files = [*map(as_missing, beside), *files]
            annotation = annotation.__origin__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif getattr(origin, "_name", None) in _QUALIFIERS:
            said = _QUALIFIERS[origin._name]  # noqa: SLF001
            is_required = is_required if said is None else said
            annotation = get_args(annotation)[0]
        else:
            break
    if origin in UNIONS:
        files += [each for arm in get_args(annotation) for each in read(arm, scope).files]
    if not isinstance(annotation, (Missing, ForwardRef)) and _is_about_file(annotation):
        files.append(annotation)
    return Said(annotation, tuple(files), is_required)


def _evaluated(text: str | ForwardRef, scope: Scope) -> Any:
    if isinstance(text, str):
        return scope.value_of(text) if mentions(text, scope) else _named(text, scope)
    return _evaluated(text.__forward_arg__, _scope_of(text, scope))


def _named(text: str, scope: Scope) -> Any:
    """Return what a text that says nothing about files stands for, if it is one name."""
    return scope.find(text) if re.fullmatch(_DOTTED, text) else Missing(text)


def _scope_of(reference: ForwardRef, scope: Scope) -> Scope:
    module = getattr(reference, "__forward_module__", None)
    return scope if module is None else Scope.of_module(module)


def fields_of(kind: Any) -> Iterator[tuple[str, Any, Scope, bool]]:
    """Walk over a TypedDict: name, annotation, its scope, and whether the field must be there."""
    scope = Scope.of_module(kind.__module__)
    for name, annotation in _written(kind).items():
        yield name, annotation, scope, name in kind.__required_keys__
