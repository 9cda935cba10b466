"""A serializer: a format under a name that a store can write down."""

from __future__ import annotations

from functools import cache, partial
from inspect import signature
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen
from attrs.validators import and_, instance_of, is_callable, min_len, optional

from pypedream.errors import DefinitionError
from pypedream.names import did_you_mean, there_are

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.formats.loader import Loader

_WITHOUT_FILE: Final = ("dumps", "loads", "dump_to")


@frozen(eq=False, repr=False)
class Serializer:
    """How values of a kind become a file or folder and back.

    Parameters
    ----------
    name
        What it is called where results are recorded. A result that was written under a name is
        read under it, so a name never changes its meaning.
    dump
        ``dump(value, path, **options)`` writes exactly one file or folder, at *path*.
    load
        ``load(path, **options)`` returns the value.
    is_unsafe
        Whether loading a file can run code that the file brings along, as pickles do.
    dumps
        ``dumps(value, **options)`` returns as bytes what *dump* would write. Optional, as the next
        two: a store then keeps small values without a file for each.
    loads
        ``loads(data, **options)`` returns the value for the bytes of a file.
    dump_to
        ``dump_to(value, file, **options)`` writes the same to a binary file that is open. For
        formats whose values are large: no copy of all of it need be in memory.

    Examples
    --------
    >>> from pathlib import Path
    >>> upper = Serializer(
    ...     "upper",
    ...     dump=lambda value, path: Path(path).write_text(value.upper()),
    ...     load=lambda path: Path(path).read_text(),
    ... )
    >>> upper.name, upper.is_unsafe
    ('upper', False)
    """

    name: str = field(validator=and_(instance_of(str), min_len(1)))
    dump: Callable[..., Any] = field(validator=is_callable())
    load: Callable[..., Any] = field(validator=is_callable())
    is_unsafe: bool = field(default=False, kw_only=True, validator=instance_of(bool))
    dumps: Callable[..., bytes] | None = field(
        default=None, kw_only=True, validator=optional(is_callable())
    )
    loads: Callable[..., Any] | None = field(
        default=None, kw_only=True, validator=optional(is_callable())
    )
    dump_to: Callable[..., Any] | None = field(
        default=None, kw_only=True, validator=optional(is_callable())
    )


def from_format(
    name: str, maker: Callable[..., Loader[Any, Any]], *, is_unsafe: bool = False
) -> Serializer:
    """Return a serializer whose options are those of a class of formats.

    What the class can do without a file, by methods ``dumps``, ``loads`` and ``dump_to``, so can
    the serializer.

    Raises
    ------
    DefinitionError
        When dumping or loading with an option that the format has not.
    """
    kind = maker.func if isinstance(maker, partial) else maker
    plain = cache(maker)  # formats do not change

    def way(method: str) -> Callable[..., Any]:
        def call(*given: Any, **options: Any) -> Any:
            made = _made(name, maker, options) if options else plain()
            return getattr(made, method)(*given)

        return call

    without_file = {each: way(each) for each in _WITHOUT_FILE if hasattr(kind, each)}
    return Serializer(name, way("save"), way("load"), is_unsafe=is_unsafe, **without_file)


def _made(
    name: str, maker: Callable[..., Loader[Any, Any]], options: dict[str, Any]
) -> Loader[Any, Any]:
    known = signature(maker).parameters
    for option in options:
        if option not in known:
            near = did_you_mean(option, known) or f"; {there_are(known)}"
            raise DefinitionError(f'serializer "{name}" has no option "{option}"{near}')
    return maker(**options)
