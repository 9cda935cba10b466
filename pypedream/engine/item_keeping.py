"""Item keeping: what the items of a mapped stage gave is kept, each under a key of its own.

The key stands for the code, the item and the arguments that all items share; where an item stands
among others does not matter. Small items are written many at a time. What takes less to compute
than to read is kept only where reuse was asked for.
"""

from __future__ import annotations

from contextlib import ExitStack
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream.engine.asked_before import holds_secret
from pypedream.engine.calls import code_of, digest_of
from pypedream.engine.reuse import LOOKS, READ_ONLY, mode_of
from pypedream.errors import MissingEntry, UnreadableResult
from pypedream.store.results import Unstorable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypedream.engine.calls import Call
    from pypedream.engine.chunks import Chunk
    from pypedream.engine.keeping import Keeper
    from pypedream.engine.wiring import Wire
    from pypedream.executors.calling import Made
    from pypedream.store.results import Result

WORTH_S = 0.001
"""An item that takes less is called again rather than kept, unless reuse was asked for."""
_FORMAT = "item/1"
_MISSING = object()


@define(eq=False)
class ItemKeeper:
    """Keeps the items of one mapped stage in one run.

    Attributes
    ----------
    shared
        What the code and the common arguments are, as text.
    looks
        Whether kept items are taken over.
    is_asked
        Whether that was asked for, so that every item is kept.
    secrets
        The texts of the run's secrets.
    keys
        By position under which key an item is kept, if it is.
    sizes
        How many bytes are kept under each key.
    asked
        By position the keys of items that are being called: a call may change its item in place.
    """

    keeper: Keeper
    wired: Wire
    shared: str
    mode: str
    looks: bool
    is_asked: bool
    secrets: list[str]
    keys: dict[int, str] = Factory(dict)
    sizes: dict[str, int] = Factory(dict)
    asked: dict[int, str] = Factory(dict)
    _is_warned: bool = False

    def find(self, chunk: Chunk) -> dict[int, Any]:
        """Return what is kept of the items of a chunk, by their places in it."""
        keys = [item_key(self.shared, values) for values in chunk.calls]
        found = self._found(keys) if self.looks else {}
        for place, key in enumerate(keys):
            (self.keys if place in found else self.asked)[chunk.position(place)] = key
        if self.mode == READ_ONLY and len(found) < len(keys):
            missing = next(place for place in range(len(keys)) if place not in found)
            raise MissingEntry(
                f'stage "{self.wired.key}": cache="{READ_ONLY}" and item'
                f" {chunk.keys[missing]!r} is not kept"
            )
        return found

    def keep(self, chunk: Chunk, made: Made) -> None:
        """Keep what the first items of a chunk gave, as far as that is worth it."""
        count = len(made.values)
        asked = [self.asked.pop(chunk.position(place)) for place in range(len(chunk.calls))]
        if not count or self.mode == READ_ONLY or self.wired.key in self.keeper.unstated:
            return
        took_s = (made.ended_ns[-1] - made.started_ns) / 1e9
        if not self.is_asked and took_s / count < WORTH_S:
            return
        with ExitStack() as stack:
            if count > 1:
                stack.enter_context(self.keeper.results.batch())
            before = made.started_ns
            for place, key in enumerate(asked[:count]):
                end = made.ended_ns[place]
                if key and self._keep_one(key, made.values[place], (end - before) / 1e9):
                    self.keys[chunk.position(place)] = key
                before = end

    def _found(self, keys: Sequence[str]) -> dict[int, Any]:
        """Return the values that are kept, by their places."""
        results = self.keeper.results.find_many([key for key in keys if key])
        found = {}
        for place, key in enumerate(keys):
            result = results.get(key)
            value = _MISSING if result is None else self._loaded(result)
            if result is not None and value is not _MISSING:
                found[place] = value
                self.sizes[key] = result.entry.size
        return found

    def _loaded(self, result: Result) -> Any:
        try:
            return self.keeper.load(self.wired.key, result)
        except UnreadableResult as error:
            self.keeper.warn(f"{error}; the item is called again")
            return _MISSING

    def _keep_one(self, key: str, value: Any, took_s: float) -> bool:
        """Keep what one item gave; say whether that goes."""
        keeper = self.keeper
        if self.secrets and holds_secret(value, self.secrets):
            return False
        about = {"stage": self.wired.key, "run": keeper.run, "is_item": True}
        try:
            self.sizes[key] = keeper.results.keep(key, value, about, took_s)
        except Unstorable as error:
            if not self._is_warned:
                self._is_warned = True
                keeper.warn(f"what its items give cannot be kept: {error}")
            return False
        return True


def shared_by_items(wired: Wire, call: Call) -> str | None:
    """Return as text what the code and the common arguments are; None if that cannot be told."""
    assert wired.over is not None
    told = sorted((name, one) for name, one in call.inputs.items() if name not in wired.over.names)
    if any(not one.is_known for _, one in told):
        return None
    names, code = wired.over.names, code_of(wired).digest
    return repr((_FORMAT, code, names, [(name, one.digest) for name, one in told]))


def item_key(shared: str, values: tuple[Any, ...]) -> str:
    """Return what an item is kept under; "" if that cannot be told."""
    digests = [digest_of(value) for value in values]
    return sha256(f"{shared}{digests}".encode()).hexdigest() if all(digests) else ""


def item_keeper_of(keeper: Keeper, wired: Wire, call: Call) -> ItemKeeper | None:
    """Return what keeps the items of a stage; None where they are not kept."""
    assert wired.over is not None
    mode = mode_of(wired, keeper.options)
    if mode == "off" and not keeper.options.checkpoint:
        return None
    shared = shared_by_items(wired, call)
    if shared is None:
        return None
    is_asked = mode != "off"
    looks = mode in LOOKS or (mode == "off" and keeper.is_resuming)
    secrets = keeper.calls.secrets
    return ItemKeeper(keeper, wired, shared, mode, looks, is_asked, secrets)
