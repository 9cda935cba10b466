"""Sources: the items that a stage is mapped over, pulled a few at a time, and what they become.

A source is never longer in memory than what was given: an iterator is read as items are called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from datetime import date, timedelta
from itertools import islice, product
from math import prod
from typing import TYPE_CHECKING, Any

from attrs import define

from pypedream.errors import MapError
from pypedream.executors.columns import Columns
from pypedream.over import CROSS, NEST, refuse_what_has_no_items

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.over import Over

Pulled = tuple[Sequence[Any], Sequence[tuple[Any, ...]]]
"""Keys and, for each of them, one value of each argument."""

Tree = list[Any] | dict[Any, Any]
"""What holds nested items: None stands for each item, and each level is a list or a dict."""


@define(eq=False)
class Source:
    """Items in the order in which they are called.

    Attributes
    ----------
    total
        How many there are; None when only the end will tell.
    keys
        The keys of a mapping; None where items are known by their position.
    axes
        Of each axis of a cross its keys where it is a mapping, else its positions; None otherwise.
    tree
        What holds nested items, as far as they were pulled; None otherwise.
    coordinates
        What the items of each axis are known by, where there are several axes.
    """

    total: int | None
    pull: Callable[[int], Pulled]
    keys: list[Any] | None = None
    axes: tuple[list[Any] | range, ...] | None = None
    tree: Tree | None = None
    coordinates: tuple[Sequence[Any], ...] = ()


def source_of(over: Over, arguments: dict[str, Any], item_key: Callable[..., Any] | None) -> Source:
    """Take the arguments that are mapped over out of *arguments* and return their items.

    Raises
    ------
    MapError
        If one has no items, or they do not go together.
    """
    found = {name: arguments.pop(name) for name in over.names}
    for name, value in found.items():
        refuse_what_has_no_items(over.source(name), value)
    if over.how == CROSS:
        source = _crossed(found)
    elif over.how == NEST:
        source = _nested(over.source(over.names[0]), next(iter(found.values())), over.depth)
    else:
        source = _zipped(found)
    if item_key is not None:
        source.pull = _keyed(source.pull, item_key)
    return source


def _zipped(found: Mapping[str, Any]) -> Source:
    mappings = {name: value for name, value in found.items() if isinstance(value, Mapping)}
    keys: list[Any] | None = None
    if mappings:
        first, by_key = next(iter(mappings.items()))
        keys = list(by_key)
        for name, value in mappings.items():
            if value.keys() != by_key.keys():
                odd = next(key for key in [*keys, *value] if key not in value or key not in by_key)
                raise MapError(f'"{first}" and "{name}" are zipped, and only one has {odd!r}')
    sizes = {name: len(value) for name, value in found.items() if isinstance(value, Sized)}
    _refuse_unequal(sizes)
    iterators = [
        map(value.__getitem__, keys) if keys is not None and name in mappings else iter(value)
        for name, value in found.items()
    ]
    total = next(iter(sizes.values()), None)
    place = 0

    def pull(most: int) -> Pulled:
        nonlocal place
        columns = [[*islice(each, most)] for each in iterators]
        count = len(columns[0])
        if any(len(column) != count for column in columns):
            names = '", "'.join(found)
            raise MapError(f'"{names}" are zipped, and one of them ends before the others')
        start, place = place, place + count
        in_order = range(start, place) if keys is None else keys[start:place]
        return in_order, Columns(columns, count)

    return Source(total, pull, keys)


def _refuse_unequal(sizes: Mapping[str, int]) -> None:
    if len(set(sizes.values())) > 1:
        has = " and ".join(f'"{name}" has {_counted(count)}' for name, count in sizes.items())
        raise MapError(f"{has}: zipped arguments need as many each; patterns.cross(...) pairs all")


def _counted(count: int) -> str:
    return "1 item" if count == 1 else f"{count:,} items"


def _crossed(found: Mapping[str, Any]) -> Source:
    items = [[*(each.values() if isinstance(each, Mapping) else each)] for each in found.values()]
    keys = [
        [*each] if isinstance(each, Mapping) else range(len(items_))
        for each, items_ in zip(found.values(), items, strict=True)
    ]
    pairs = zip(map(_joined, product(*keys)), product(*items), strict=True)
    known_by = tuple(
        keys_ if isinstance(value, Mapping) or not _can_name(items_) else items_
        for value, keys_, items_ in zip(found.values(), keys, items, strict=True)
    )
    total = prod(map(len, items))
    return Source(total, _pulling(pairs), None, tuple(keys), coordinates=known_by)


def _can_name(items: list[Any]) -> bool:
    """Say whether the items of an axis tell its places: numbers, texts or times, each once."""
    try:
        is_each_once = len({*items}) == len(items)
    except TypeError:  # one of them is a list, for example
        return False
    return is_each_once and all(isinstance(item, _NAMES) for item in items)


_NAMES = (int, float, str, bytes, date, timedelta)


def _nested(name: str, value: Any, depth: int) -> Source:
    tree: Tree = {} if isinstance(value, Mapping) else []
    return Source(None, _pulling(_walked(name, value, depth, (), tree)), tree=tree)


def _walked(
    name: str, value: Any, depth: int, where: tuple[Any, ...], tree: Tree
) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield the items of the innermost level, and write down in *tree* what holds them."""
    refuse_what_has_no_items(name, value, f"item {_joined(where)} of " if where else "")
    for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
        here = (*where, key)
        branch: Tree | None = None
        if depth > 1:
            branch = {} if isinstance(item, Mapping) else []
        if isinstance(tree, dict):
            tree[key] = branch
        else:
            tree.append(branch)
        if branch is None:
            yield _joined(here), (item,)
        else:
            yield from _walked(name, item, depth - 1, here, branch)


def _joined(keys: Iterable[Any]) -> str:
    return "/".join(map(str, keys))


def _pulling(pairs: Iterator[tuple[Any, tuple[Any, ...]]]) -> Callable[[int], Pulled]:
    def pull(most: int) -> Pulled:
        pulled = [*islice(pairs, most)]
        return [key for key, _ in pulled], [values for _, values in pulled]

    return pull


def _keyed(pull: Callable[[int], Pulled], item_key: Callable[..., Any]) -> Callable[[int], Pulled]:
    def pull_keyed(most: int) -> Pulled:
        _, calls = pull(most)
        return [item_key(*values) for values in calls], calls

    return pull_keyed


def gathered(source: Source, values: list[Any], over: Over, collect: str) -> Any:
    """Return the results of all items in the form that the stage gives them."""
    if collect != "list":
        return _as_array(source, values, over, collect)
    if source.axes is not None:
        return _folded(values, source.axes)
    if source.tree is not None:
        return _grown(source.tree, iter(values))
    return values if source.keys is None else dict(zip(source.keys, values, strict=True))


def _folded(values: list[Any], axes: tuple[list[Any] | range, ...]) -> Any:
    """Return *values* as lists within lists, or dicts for mappings, the last axis innermost."""
    first, *inner = axes
    if inner:
        size = prod(map(len, inner))
        rows = [values[row * size : (row + 1) * size] for row in range(len(first))]
        values = [_folded(row, axes[1:]) for row in rows]
    return values if isinstance(first, range) else dict(zip(first, values, strict=True))


def _grown(tree: Tree, values: Iterator[Any]) -> Tree:
    if isinstance(tree, dict):
        return {key: _put_in(branch, values) for key, branch in tree.items()}
    return [_put_in(branch, values) for branch in tree]


def _put_in(branch: Tree | None, values: Iterator[Any]) -> Any:
    return next(values) if branch is None else _grown(branch, values)


def _as_array(source: Source, values: list[Any], over: Over, collect: str) -> Any:
    from pypedream._extras import need

    extra = "frames" if collect == "numpy" else "arrays"
    numpy = need("numpy", extra=extra, for_=f'collect="{collect}"')
    axes = [[*axis] for axis in source.coordinates] or _axes_of(source, len(values), over, collect)
    array = _filled(numpy, values, tuple(map(len, axes)))
    if collect == "numpy":
        return array
    xarray = need("xarray", extra="arrays", for_='collect="xarray"')
    coords = dict(zip(over.axes, axes, strict=True))
    return xarray.DataArray(array, dims=over.axes, coords=coords)


def _axes_of(source: Source, count: int, over: Over, collect: str) -> list[list[Any]]:
    """Return the keys along each axis of what was zipped or nested."""
    if source.tree is None:
        return [[*(source.keys or range(count))]]
    axes, level = [], [source.tree]
    for _ in range(over.depth):
        keys = [list(branch) if isinstance(branch, dict) else len(branch) for branch in level]
        if any(each != keys[0] for each in keys):
            raise MapError(
                f'"{over.source(over.names[0])}" has lists of different lengths in it, and an array'
                f' has none: collect="{collect}" cannot hold the results, collect="list" can'
            )
        first = keys[0] if keys else 0
        axes.append(first if isinstance(first, list) else [*range(first)])
        inner = [each.values() if isinstance(each, dict) else each for each in level]
        level = [branch for branches in inner for branch in branches]
    return axes


def _filled(numpy: Any, values: list[Any], shape: tuple[int, ...]) -> Any:
    """Return an array of numbers where all are numbers, else of objects, one for each item."""
    kinds = (bool, int, float, complex, numpy.generic)
    if values and all(isinstance(value, kinds) for value in values):
        return numpy.array(values).reshape(shape)
    array = numpy.empty(len(values), dtype=object)
    for place, value in enumerate(values):  # `array[:] = values` would look into the values
        array[place] = value
    return array.reshape(shape)


@define(eq=False)
class Pace:
    """How many items go together: so many that they take a while, and that nobody waits long.

    Attributes
    ----------
    fixed
        What the user asks for; None finds it.
    members
        How many take chunks at the same time.
    """

    fixed: int | None
    members: int
    _size: int = 1

    def next(self, left: int | None) -> int:
        """Return the size of the next chunk when *left* items are left, if that is known."""
        if self.fixed is not None:
            return self.fixed
        if left is None or self.members == 1:
            return self._size
        share = -(-left // (2 * self.members))  # the last chunks are short: all end together
        return max(1, min(self._size, max(share, self._size // SHORTEST)))

    def took(self, count: int, seconds: float) -> None:
        """Take note of how long it took to call so many items of a chunk."""
        if not count:  # all were known, and the next may not be
            self._size = max(self._size, min(self._size * GROWTH, MOST_KNOWN))
            return
        each = seconds / count
        wanted = TARGET_S / each if each > 0 else MOST
        self._size = max(1, min(int(wanted), self._size * GROWTH, MOST))


TARGET_S = 0.05
MOST = 8192
"""So many items are in memory at once for each member, beside their results."""
MOST_KNOWN = 256
GROWTH = 8
SHORTEST = 16
"""By so much the last chunks are shorter than the others, and not by more."""
