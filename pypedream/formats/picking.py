"""Which serializer gives back the very same value: chosen by type, then by what the value holds."""

from __future__ import annotations

import sys
from functools import singledispatch
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from pypedream.formats.json_files import is_exact

if TYPE_CHECKING:
    from collections.abc import Callable

PICKLE: Final = "pickle"

# library: our module that picks for it, and the classes it picks for
_LIBRARIES: Final = {
    "numpy": ("arrays", ("ndarray",)),
    "pandas": ("pandas_frames", ("DataFrame", "Series")),
    "polars": ("polars_frames", ("DataFrame", "Series")),
    "xarray": ("labelled", ("Dataset", "DataArray")),
}
_learnt: Final[set[str]] = set()


@singledispatch
def pick_serializer(value: Any) -> str:
    """Return the name of the serializer that gives back the very same value.

    JSON for what JSON keeps exactly and is not large, text and bytes as they are, npy for arrays,
    feather and arrow for frames of pandas and polars, netcdf or zarr for xarray; otherwise, and
    for subclasses of these, a pickle. Add your own types with ``pick_serializer.register``.

    Examples
    --------
    >>> pick_serializer({"rate": 0.1}), pick_serializer("text"), pick_serializer((1, 2))
    ('json', 'text', 'pickle')
    >>> class Recipe(dict):
    ...     pass
    >>> @pick_serializer.register(Recipe)
    ... def pick_for_recipe(value):
    ...     return "yaml"
    >>> pick_serializer(Recipe(eggs=2))
    'yaml'
    """
    if not _learn(type(value)):
        return PICKLE
    picker = pick_serializer.dispatch(type(value))
    return PICKLE if picker is pick_serializer.dispatch(object) else str(picker(value))


@pick_serializer.register(dict)
@pick_serializer.register(list)
@pick_serializer.register(bool)
@pick_serializer.register(int)
@pick_serializer.register(float)
@pick_serializer.register(type(None))
def _pick_json(value: Any) -> str:
    return "json" if is_exact(value) else PICKLE


@pick_serializer.register(str)
def _pick_text(value: str) -> str:
    if type(value) is not str:
        return PICKLE
    try:
        value.encode()
    except UnicodeEncodeError:
        return PICKLE
    return "text"


@pick_serializer.register(bytes)
def _pick_bytes(value: bytes) -> str:
    return "bytes" if type(value) is bytes else PICKLE


def _learn(kind: type) -> bool:
    """Register what picks for the libraries that *kind* comes from; say whether that was new.

    A library is known only once a value of it is there: nothing is imported for the sake of asking.
    """
    roots = {base.__module__.partition(".")[0] for base in kind.__mro__}
    new = (roots & _LIBRARIES.keys()) - _learnt
    for root in new:
        module, classes = _LIBRARIES[root]
        pick: Callable[[Any], str] = import_module(f"pypedream.formats.{module}").pick
        for name in classes:
            one = getattr(sys.modules[root], name)
            if one not in pick_serializer.registry:  # the user's own choice stays
                pick_serializer.register(one, pick)
    _learnt.update(new)
    return bool(new)
