"""Outputs of a stage in a few words, for messages on what is not as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import NOTHING

from pypedream.files.templates import texts_of
from pypedream.formats.loader import is_built_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.files.spec import FileSpec

__all__ = ["outputs_shown"]


def outputs_shown(spec: FileSpec) -> str:
    """Return the paths of all outputs, with the options of formats that are not as usual.

    Of loaders of the user's own their names are all: an option may be a secret.

    Examples
    --------
    >>> from pypedream.files.spec import FileOut
    >>> from pypedream.formats import CSV, JSON
    >>> outs = {"a": FileOut("a.json", JSON(indent=4)), "b": FileOut("b.csv", CSV())}
    >>> from pypedream.files.spec import FileSpec
    >>> outputs_shown(FileSpec(outs=outs))
    'a.json JSON(indent=4), b.csv CSV()'
    """
    return ", ".join(
        f"{path} {_loader_shown(out.loader)}"
        for out in spec.outs.values()
        for path in texts_of(out.path)
    )


def _loader_shown(loader: Any) -> str:
    name = type(loader).__name__
    return f"{name}({', '.join(_options(loader))})" if is_built_in(loader) else name


def _options(loader: Any) -> Iterator[str]:
    for each in getattr(type(loader), "__attrs_attrs__", ()):
        value = getattr(loader, each.name)
        if each.default is NOTHING or value != each.default:
            yield f"{each.name}={value!r}"
