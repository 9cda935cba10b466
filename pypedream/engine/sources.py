"""Sources: the items that a stage is mapped over, pulled a few at a time, and what they become.

A source is never longer in memory than what was given: an iterator is read as items are called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from itertools import islice
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream.errors import MapError
from pypedream.over import CROSS, NEST
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.over import Over

Pulled = tuple[Sequence[Any], list[tuple[Any, ...]]]
"""Keys and, for each of them, one value of each argument."""


@define(eq=False)
class Source:
    """Items in the order in which they are called.

    Attributes
    ----------
    total
        How many there are; None when only the end will tell.
    keys
        The keys of a mapping; None where items are known by their position.
    shape
        How many items each axis of a cross has; None otherwise.
    """

    total: int | None
    pull: Callable[[int], Pulled]
    keys: list[Any] | None = None
    shape: tuple[int, ...] | None = None
    tree: list[Any] | None = None
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
        _refuse_what_has_no_items(over.source(name), value)
    if over.how == CROSS:
        source = _crossed(found)
    elif over.how == NEST:
        source = _nested(over.names[0], next(iter(found.values())), over.depth)
    else:
        source = _zipped(found)
    if item_key is not None:
        source.pull = _keyed(source.pull, item_key)
    return source


def _refuse_what_has_no_items(name: str, value: Any) -> None:
    hint = ""
    if isinstance(value, (str, bytes)):
        hint = ": to call the stage with one text, give a list of it"
    elif hasattr(value, "itertuples"):  # a frame of pandas, whose items would be its column names
        hint = f': map over its rows by {name}.to_dict("records"), or over its groups'
    elif isinstance(value, Iterable):
        return
    else:
        hint = ": give a list"
    raise MapError(f'"{name}" is {said(value)}, which has no items to map over{hint}')


def _zipped(found: Mapping[str, Any]) -> Source:
    mappings = {name: value for name, value in found.items() if isinstance(value, Mapping)}
    keys: list[Any] | None = None
    if mappings:
        first, by_key = next(iter(mappings.items()))
        keys = list(by_key)
        for name, value in mappings.items():
            if value.keys() != by_key.keys():
                odd = next(iter(value.keys() ^ by_key.keys()))
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
        try:
            calls = [*zip(*[islice(each, most) for each in iterators], strict=True)]
        except ValueError as error:
            if "zip() argument" not in str(error):
                raise
            names = '", "'.join(found)
            what = f'"{names}" are zipped, and one of them ends before the others'
            raise MapError(what) from None
        start, place = place, place + len(calls)
        return (range(start, place) if keys is None else keys[start:place]), calls

    return Source(total, pull, keys)


def _refuse_unequal(sizes: Mapping[str, int]) -> None:
    if len(set(sizes.values())) > 1:
        has = " and ".join(f'"{name}" has {count} items' for name, count in sizes.items())
        raise MapError(f"{has}: zipped arguments need as many each; patterns.cross(...) pairs all")


def _crossed(found: Mapping[str, Any]) -> Source:
    axes = [[*value] for value in found.values()]
    coordinates = tuple(
        [*value.values()] if isinstance(value, Mapping) else axis
        for value, axis in zip(found.values(), axes, strict=True)
    )
    names = [
        [*value] if isinstance(value, Mapping) else range(len(axis))
        for value, axis in zip(found.values(), axes, strict=True)
    ]
    from itertools import product
    from math import prod

    shape = tuple(map(len, axes))
    pairs = zip(map(_joined, product(*names)), product(*coordinates), strict=True)
    return Source(prod(shape), _pulling(pairs), None, shape, coordinates=tuple(names))


def _nested(name: str, value: Iterable[Any], depth: int) -> Source:
    tree: list[Any] = []
    return Source(None, _pulling(_walked(name, value, depth, (), tree)), tree=tree)


def _walked(
    name: str, value: Any, depth: int, where: tuple[Any, ...], tree: list[Any]
) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield the items of the innermost level, and write down in *tree* how many each has."""
    _refuse_what_has_no_items(name, value)
    is_mapping = isinstance(value, Mapping)
    for key, item in value.items() if is_mapping else enumerate(value):
        here = (*where, key)
        if depth == 1:
            tree.append(None)
            yield _joined(here), (item,)
        else:
            branch: list[Any] = []
            tree.append(branch)
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
    if source.shape is not None:
        return _folded(values, source.shape)
    if source.tree is not None:
        return _grown(source.tree, iter(values))
    return values if source.keys is None else dict(zip(source.keys, values, strict=True))


def _folded(values: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Return *values* as lists of lists of this shape, the last axis innermost."""
    for size in reversed(shape[1:]):
        if not size:
            return [[] for _ in range(shape[0])]
        values = [values[start : start + size] for start in range(0, len(values), size)]
    return values


def _grown(tree: list[Any], values: Iterator[Any]) -> list[Any]:
    return [next(values) if branch is None else _grown(branch, values) for branch in tree]


def _as_array(source: Source, values: list[Any], over: Over, collect: str) -> Any:
    from pypedream._extras import need

    extra = "frames" if collect == "numpy" else "arrays"
    numpy = need("numpy", extra=extra, for_=f'collect="{collect}"')
    shape = source.shape if source.shape is not None else (len(values),)
    array = _filled(numpy, values, shape)
    if collect == "numpy":
        return array
    xarray = need("xarray", extra="arrays", for_='collect="xarray"')
    coordinates = source.coordinates or ((source.keys or range(len(values))),)
    axes = over.axes[: len(shape)]
    coords = dict(zip(axes, map(list, coordinates), strict=True))
    return xarray.DataArray(array, dims=axes, coords=coords)


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
    _seen: list[float] = Factory(list)

    def next(self, left: int | None) -> int:
        """Return the size of the next chunk when *left* items are left, if that is known."""
        if self.fixed is not None:
            return self.fixed
        if left is None or self.members == 1:
            return self._size
        share = -(-left // (2 * self.members))  # the last chunks are short: all end together
        return max(1, min(self._size, max(share, self._size // SHORTEST)))

    def took(self, count: int, seconds: float) -> None:
        """Take note of how long a chunk took."""
        if not count:
            return
        each = seconds / count
        wanted = TARGET_S / each if each > 0 else MOST
        self._size = max(1, min(int(wanted), self._size * GROWTH, MOST))


TARGET_S = 0.05
MOST = 8192
"""So many items are in memory at once for each member, beside their results."""
GROWTH = 8
SHORTEST = 16
"""By so much the last chunks are shorter than the others, and not by more."""
