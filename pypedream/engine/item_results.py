"""Item results: a mapped stage whose items are large is kept as the keys of what they gave.

Each item is kept already; a list of them all would be everything a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.over import CROSS, NEST
from pypedream.store.corruption import Damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream.engine.item_keeping import ItemKeeper
    from pypedream.over import Over
    from pypedream.store.results import Result, Results

LEAST_BYTES, LEAST_EACH = 1 << 20, 1 << 12


def by_keys(kept: ItemKeeper, value: Any) -> tuple[Any, int] | None:
    """Return what a stage gave with a key in place of each item, and how deep the keys are.

    Returns
    -------
    None if not every item is kept, or if they are so small that the whole is better kept as well.
    """
    policy = kept.wired.stage.policy
    over, sizes, keys = kept.wired.over, kept.sizes, kept.keys
    size, count = sum(sizes.values()), len(keys)
    if over is None or policy.collect != "list" or size < max(LEAST_BYTES, count * LEAST_EACH):
        return None
    depth = _depth(over)
    in_order = iter([keys.get(place, "") for place in range(count)])
    with_keys = _replaced(value, depth, lambda _: next(in_order, ""))
    is_whole = next(in_order, None) is None and all(_leaves(with_keys, depth))
    return (with_keys, depth) if is_whole else None


def from_keys(results: Results, with_keys: Any, depth: int) -> Any:
    """Return what a stage gave, from the keys of its items.

    Raises
    ------
    Damaged
        If some of them are not kept any more, or not readable.
    """
    keys = list(_leaves(with_keys, depth))
    found: dict[str, Result] = results.find_many(keys)
    lost = len({*keys} - found.keys())
    if lost:
        raise Damaged(f"incomplete: {lost:,} of its {len(keys):,} items are kept no more")
    return _replaced(with_keys, depth, lambda key: results.load(found[key]))


def _depth(over: Over) -> int:
    if over.how == CROSS:
        return len(over.names)
    return over.depth if over.how == NEST else 1


def _replaced(value: Any, depth: int, put: Callable[[Any], Any]) -> Any:
    if depth == 0:
        return put(value)
    if isinstance(value, dict):
        return {key: _replaced(one, depth - 1, put) for key, one in value.items()}
    return [_replaced(one, depth - 1, put) for one in value]


def _leaves(value: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        yield value
        return
    for one in value.values() if isinstance(value, dict) else value:
        yield from _leaves(one, depth - 1)
