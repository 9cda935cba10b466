"""What is annotated on something that can be called, read without running any code of the user.

Annotations that are kept as text are read piece by piece. A piece that would have to be called,
or that exists for type checkers only, is `UNKNOWN`.
"""

from __future__ import annotations

import ast
import sys
from contextlib import suppress
from functools import lru_cache, partial
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import FunctionType, MethodType, ModuleType, WrapperDescriptorType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    _Scope = tuple[Mapping[str, Any], ...]


class _Unknown:
    """The one value of this class stands for an annotation that cannot be read."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = _Unknown()

_TYPING: Final = ("typing", "typing_extensions")
_UNION: Final[Any] = Union
# What something to call is only a layer around.
_INNER: Final[tuple[tuple[Any, str], ...]] = (
    (partial, "func"),
    ((MethodType, staticmethod, classmethod), "__func__"),
    (type(lru_cache(str)), "__wrapped__"),
)
_LAYERS = 100


def annotations_of(function: object) -> Mapping[str, object]:
    """Return the annotations of what is called, "return" included, without running user code.

    Parameters
    ----------
    function
        A function, method, partial, class (its constructor; "return" is the class) or an object
        that can be called. A wrapper that takes only ``*args`` and ``**kwargs`` is seen through.

    Returns
    -------
    From argument to annotation. What is written as text is looked up where the function was
    defined; what cannot be found without running something is `UNKNOWN`. Metadata of an
    ``Annotated`` that is text is left out. Empty for what is not written in Python.

    Examples
    --------
    >>> def mean(values: "list[float]", *, weight: int = 1) -> "float | None": ...
    >>> annotations_of(mean)["values"], annotations_of(mean)["weight"]
    (list[float], <class 'int'>)
    """
    inner, owner = _described(function)
    if inner is None:
        return {}
    found = dict(_written(inner))
    texts = [name for name, annotation in found.items() if isinstance(annotation, str)]
    scope = _scope_of(inner, owner) if texts else ()
    for name in texts:
        found[name] = _resolved(found[name], scope)
    if owner is not None:
        found["return"] = owner if _makes_itself(owner) else UNKNOWN
    return found


def _described(function: object) -> tuple[FunctionType | None, type | None]:
    """Return the function whose annotations count, and the class if it constructs one."""
    owner: type | None = None
    for _ in range(_LAYERS):  # decorators can wrap each other in a circle
        if function is None:
            break
        if isinstance(function, FunctionType) and _speaks_for_itself(function):
            return function, owner
        if isinstance(function, type):
            owner = function
        function = _one_layer_in(function)
    return None, None


def _one_layer_in(function: Any) -> Any:
    for kinds, attribute in _INNER:
        if isinstance(function, kinds):
            return getattr(function, attribute)
    if isinstance(function, FunctionType):
        return vars(function)["__wrapped__"] if _passes_all_on(function) else None
    if isinstance(function, type):
        init = _of_class(function, "__init__")
        return _of_class(function, "__new__") if _is_builtin(init) else init
    call = _of_class(type(function), "__call__")
    return None if _is_builtin(call) else call


def _speaks_for_itself(function: FunctionType) -> bool:
    """Tell a function with annotations of its own from one that was given those of another.

    `functools.wraps` hands the annotations of the wrapped function on. They say nothing of a
    wrapper that takes other arguments.
    """
    wrapped = vars(function).get("__wrapped__")
    if wrapped is None:
        return True
    return not _passes_all_on(function) and _written(function) != _written(wrapped)


def _passes_all_on(function: FunctionType) -> bool:
    code = function.__code__
    if code.co_argcount or code.co_kwonlyargcount or "registry" in vars(function):
        return False  # functools.singledispatch has a registry: it chooses between functions
    return bool(code.co_flags & (CO_VARARGS | CO_VARKEYWORDS))


def _of_class(owner: type, name: str) -> Any:
    """Look an attribute up as it is written in the class; nothing is bound or computed."""
    for base in owner.__mro__:
        if name in vars(base):
            return vars(base)[name]
    return None


def _is_builtin(function: Any) -> bool:
    return isinstance(function, WrapperDescriptorType)


def _makes_itself(owner: type) -> bool:
    """Say whether calling the class surely gives an instance of it."""
    is_usual = type(owner).__call__ is type.__call__
    return is_usual and not isinstance(_of_class(owner, "__new__"), (FunctionType, staticmethod))


def _written(function: Any) -> Mapping[str, Any]:
    """Return the annotations without evaluating them: from 3.14 on reading them would."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format, call_annotate_function

        annotate = getattr(function, "__annotate__", None)
        if annotate is not None:
            return call_annotate_function(annotate, Format.STRING, owner=function)
    written: Mapping[str, Any] = getattr(function, "__annotations__", {})
    return written


def _scope_of(function: Any, owner: type | None) -> _Scope:
    """Return the namespaces in which the names of annotations are found, inner ones first."""
    parameters = getattr(function, "__type_params__", ())
    generic = {parameter.__name__: parameter for parameter in parameters}
    inner = [generic, _captured(function), _captured(getattr(function, "__annotate__", None))]
    outer = [function.__globals__]
    if owner is not None and owner.__module__ in sys.modules:  # a generated __init__ has its own
        outer.append(vars(sys.modules[owner.__module__]))
    return (*inner, *outer, function.__builtins__)


def _captured(function: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = function.__code__.co_freevars if isinstance(function, FunctionType) else ()
    for name, cell in zip(names, getattr(function, "__closure__", None) or (), strict=False):
        with suppress(ValueError):  # a cell that is not filled yet
            found[name] = cell.cell_contents
    return found


def _resolved(text: str, scope: _Scope) -> Any:
    with suppress(Exception):  # text that is no expression, and whatever typing does not accept
        return _value(ast.parse(text.strip(), mode="eval").body, scope)
    return UNKNOWN


def _value(node: Any, scope: _Scope) -> Any:
    read = _READ.get(type(node))
    return UNKNOWN if read is None else read(node, scope)


def _name(node: ast.Name, scope: _Scope) -> Any:
    return next((space[node.id] for space in scope if node.id in space), UNKNOWN)


def _constant(node: ast.Constant, scope: _Scope) -> Any:
    if isinstance(node.value, str):  # a forward reference
        return _resolved(node.value, scope)
    return node.value if node.value is None or node.value is ... else UNKNOWN


def _either(node: ast.BinOp, scope: _Scope) -> Any:
    members = (_value(node.left, scope), _value(node.right, scope))
    is_union = isinstance(node.op, ast.BitOr) and not any(one is UNKNOWN for one in members)
    return _UNION[members] if is_union else UNKNOWN  # not "|": classes may define that


def _list(node: ast.List, scope: _Scope) -> Any:
    return [_value(element, scope) for element in node.elts]


def _attribute(node: ast.Attribute, scope: _Scope) -> Any:
    base = _value(node.value, scope)
    if isinstance(base, ModuleType):
        submodule = sys.modules.get(f"{base.__name__}.{node.attr}", UNKNOWN)
        return vars(base).get(node.attr, submodule)
    spaces = map(vars, base.__mro__) if isinstance(base, type) else ()
    return next((space[node.attr] for space in spaces if node.attr in space), UNKNOWN)


def _subscript(node: ast.Subscript, scope: _Scope) -> Any:
    base, inside = _value(node.value, scope), node.slice
    elements = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if base is Literal:
        return Literal[tuple(_literal(element, scope) for element in elements)]
    if base is Annotated:
        return _value(elements[0], scope)
    if not _is_generic(base) or any(isinstance(element, ast.Starred) for element in elements):
        return UNKNOWN
    values = tuple(_value(element, scope) for element in elements)
    return base[values if isinstance(inside, ast.Tuple) else values[0]]


def _literal(element: ast.expr, scope: _Scope) -> Any:
    if isinstance(element, ast.Attribute):
        return vars(_value(element.value, scope))["_member_map_"][element.attr]
    return ast.literal_eval(element)


def _is_generic(base: Any) -> bool:
    """Say whether ``base[...]`` runs Python's own code only."""
    if not isinstance(base, type) or base is type:
        return base is type or type(base).__module__ in (*_TYPING, "types")
    if _of_class(type(base), "__getitem__") is not None:
        return False
    for one in base.__mro__:
        made = vars(one).get("__class_getitem__")
        if made is not None:
            made = getattr(made, "__func__", made)
            return one.__module__ in _TYPING or not isinstance(made, FunctionType)
    return False


_READ: Final[dict[type, Callable[[Any, _Scope], Any]]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Constant: _constant,
    ast.BinOp: _either,
    ast.Subscript: _subscript,
    ast.List: _list,
}
