"""Level: one place in a program where results are kept, and how what is missing there is made."""

from __future__ import annotations

from contextlib import contextmanager
from threading import get_ident
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from pypedream.context import SECRETS
from pypedream.errors import StepError
from pypedream.steps.cache import Cache, Reference, cache_of, is_error
from pypedream.steps.settled import Settled
from pypedream.steps.task import STORED, Done, Item, Task
from pypedream.steps.telling import warn
from pypedream.steps.underway import keys_underway
from pypedream.store.corruption import Damaged
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping

    from pypedream.steps.given import Given
    from pypedream.steps.program import Boundary, Program
    from pypedream.store.entry import Entry

    Outcome = Entry | Done
    Coming = Generator[tuple[bytes, Outcome], None, None]

__all__ = ["Level", "levels_of"]

_IDLE_S = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 0.25
_MANY, _SMALL_BYTES = 2_000, 256
_FORCE, _RETRY = "force", "retry"


@define(eq=False)
class Level:
    """A boundary that lies in no other, with the steps from the one before it.

    Attributes
    ----------
    program
        The whole program.
    boundary
        The place.
    inner
        What is made for an item that is missing there.
    kept, computed
        Of how many items there was a result, and of how many it had to be computed.
    idle_since
        When the caller got his turn, if he has it; what is computed meanwhile is not much.
    is_batched
        Whether it makes many items in one call.
    is_lazy
        Whether what is computed is worth waiting for one by one: it goes to many workers.
    """

    program: Program
    boundary: Boundary
    inner: Program
    kept: int = 0
    computed: int = 0
    idle_since: float | None = None
    cache: Cache = field(init=False)
    is_batched: bool = field(init=False)
    is_lazy: bool = field(init=False)
    settled: Settled = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.cache = cache_of(self.boundary.folder, readonly=self.boundary.is_readonly)
        self.is_batched = any(leaf.__pypedream_flags__.is_batched for leaf in self.inner.leaves)
        self.settled = Settled(self.inner.leaves)
        within = (self.boundary, *self.inner.boundaries)
        self.is_lazy = any(each.backend._takes_all for each in within)

    @property
    def label(self) -> str:
        """What messages call it."""
        return type(self.program.leaves[self.boundary.end - 1]).__name__

    # What is kept

    def look(self, items: Mapping[bytes, Item]) -> dict[bytes, Outcome]:
        """Return what is kept of items and may be used; what is kept of an error is an outcome."""
        boundary = self.boundary
        if boundary.is_shared:
            return {}
        keys = {boundary.key(identity): identity for identity in items}
        if boundary.mode == _FORCE:
            attempted = boundary.backend._attempted
            keys = {key: identity for key, identity in keys.items() if key in attempted}
        kept = self._usable(keys)
        found: dict[bytes, Outcome] = {keys[key]: entry for key, entry in kept.items()}
        if len(found) > _MANY:
            found = {
                each: _light(items[each], kept[key]) for key, each in keys.items() if key in kept
            }
        self.kept += len(found)
        if boundary.is_readonly and len(found) < len(items):
            missing = next(item for identity, item in items.items() if identity not in found)
            raise StepError(
                f'{self.label}: mode="read-only" and no result is kept for item {missing.place}'
                f" in {boundary.folder}"
            )
        return found

    def given(self) -> Given | None:
        """Return what was given here while nothing has changed; None where that is not to count."""
        namer = self.program.namer
        names_items = namer is not None and namer.__pypedream_flags__.names_items
        if self.boundary.mode == _FORCE or names_items:
            return None
        return self.cache.given(self.boundary.position)

    def _usable(self, keys: Collection[str]) -> dict[str, Entry]:
        kept = self.cache.find(keys)
        if self.boundary.mode == _RETRY:
            kept = {key: entry for key, entry in kept.items() if not is_error(entry)}
        if kept and not self.boundary.is_readonly:
            self.cache.used(kept.values())
        return kept

    def _published(self, items: Mapping[str, Item]) -> dict[str, Entry]:
        """Return what somebody else has computed since it was looked for."""
        if self.boundary.mode == _FORCE:
            self.cache.remove(items)
            return {}
        return self._usable(items)

    # What is missing

    def made(self, items: Collection[Item]) -> Coming:
        """Compute items, each once among all threads and processes; yield what became of each."""
        if not items:
            return
        boundary = self.boundary
        keyed = {}
        for item in items:
            key = boundary.key(item.identity)
            keyed[key] = Item(item.place, item.identity, item.value, key)
        if boundary.is_shared:
            yield from self._computed(keyed)
            return
        self._check_circle(keyed)
        from pypedream.steps.records import write_records  # nothing is written of what is kept

        write_records(self.program, boundary)
        yield from self._claimed(keyed)

    def _check_circle(self, items: Mapping[str, Item]) -> None:
        """Raise if this is asked for by what computes it: it would wait for itself."""
        place = self.cache.location
        for key in (key for folder, key in keys_underway() if folder == place and key in items):
            raise StepError(
                f"{self.label} asks for its own result while that is computed, with the same"
                f" fields and the same input ({short(items[key].input())}): it would never end"
            )

    def _claimed(self, todo: dict[str, Item]) -> Coming:
        pause = _FIRST_PAUSE_S
        while todo:
            with self.cache.claim(list(todo), self._is_idle) as held, _noted(held):
                mine = {key: item for key, item in todo.items() if key in held}
                todo = {key: item for key, item in todo.items() if key not in held}
                found = self._published(mine)
                yield from self._taken(mine, found)
                yield from self._computed(
                    {key: item for key, item in mine.items() if key not in found}
                )
            if not todo:
                return
            # Who has the claims may keep them for long after he has kept a result.
            found = self._usable(todo) if self.boundary.mode != _FORCE else {}
            yield from self._taken(todo, found)
            todo = {key: item for key, item in todo.items() if key not in found}
            # What this very thread has claimed and left alone nobody would compute.
            own = {key: item for key, item in todo.items() if _CLAIMED.get(key) == get_ident()}
            yield from self._computed(own)
            todo = {key: item for key, item in todo.items() if key not in own}
            if todo and not held:
                sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _is_idle(self) -> bool:
        return self.idle_since is not None and monotonic() - self.idle_since > _IDLE_S

    def _taken(self, items: Mapping[str, Item], found: Mapping[str, Entry]) -> Coming:
        self.kept += len(found)
        for key, entry in found.items():
            yield items[key].identity, entry

    def _computed(self, items: dict[str, Item]) -> Coming:
        if not items:
            return
        boundary, places = self.boundary, {item.place: item for item in items.values()}
        for done in boundary.backend._compute(self.task, list(items.values())):
            item = places[done.place]
            self.computed += done.error is None
            if done.error is None and not done.is_cached:
                warn(f"{self.label}: its result is not kept: it holds a secret")
            if boundary.mode == _FORCE and done.is_cached:
                boundary.backend._attempted.add(item.key)
            yield item.identity, done

    @property
    def task(self) -> Task:
        """What a backend is given."""
        boundary = self.boundary
        assert boundary.paths is not None
        folder = str(boundary.folder)
        return Task(
            self.inner,
            folder,
            self.label,
            boundary.paths,
            self.is_batched,
            self.settled,
            self.is_lazy,
            SECRETS.get(),
        )

    # What became of it

    def value(self, item: Item, outcome: Outcome | None) -> Any:
        """Return the value of an item, or raise what became of it.

        Parameters
        ----------
        outcome
            What became of the item; None to read what is kept.

        Raises
        ------
        Damaged
            If what was kept is damaged, or gone.
        """
        if isinstance(outcome, Done):
            if outcome.error is not None:
                raise outcome.error
            if outcome.value is not STORED:
                return outcome.value
            outcome = None
        try:
            return self._kept_value(item, outcome)
        except Damaged as damage:
            if not self.boundary.is_readonly:
                raise
            raise StepError(
                f'{self.label}: mode="read-only" and the result that is kept for item {item.place}'
                f' in {self.boundary.folder} is {damage.reason}: mode="cached" computes it again'
            ) from None

    def _kept_value(self, item: Item, outcome: Entry | None) -> Any:
        if outcome is None:
            key = self.boundary.key(item.identity)
            outcome = self.cache.find([key]).get(key)
        if outcome is None:
            raise Damaged("missing")
        if self.boundary.backend.keep_in_ram and not is_error(outcome):
            return self.boundary.backend._ram.value(outcome, self.cache.load)
        return self.cache.load(outcome)

    def error_of(self, outcome: Outcome) -> BaseException | None:
        """Return the error that an outcome is, if it is one."""
        if isinstance(outcome, Done):
            return outcome.error
        if not is_error(outcome):
            return None
        try:
            self.cache.load(outcome)
        except Exception as error:  # noqa: BLE001 - it is the outcome
            return error
        return None

    def as_input(self, item: Item, outcome: Outcome) -> Any:
        """Return what the next level is given for an item: its value, or where to read it."""
        entry = None
        if not isinstance(outcome, Done):
            entry = outcome
        elif outcome.value is not STORED:
            return outcome.value
        place = self.boundary
        key = place.key(item.identity)
        return Reference(str(place.folder), key, place.is_readonly, entry)


_CLAIMED: Final[dict[str, int]] = {}
"""The keys that are claimed in this process, each with the thread that has it."""


@contextmanager
def _noted(keys: set[str]) -> Iterator[None]:
    """Take note of the keys that this thread has claimed, for a block."""
    thread = get_ident()
    for key in keys:
        _CLAIMED[key] = thread
    try:
        yield
    finally:
        for key in keys:
            _CLAIMED.pop(key, None)


def _light(item: Item, entry: Entry) -> Outcome:
    """Return what takes little memory: what an entry holds is read again when its turn comes."""
    is_small = entry.inline is None or len(entry.inline) < _SMALL_BYTES
    return entry if is_small or is_error(entry) else Done(item.place, STORED)


def levels_of(program: Program) -> list[Level]:
    """Return the levels of a program, in order."""
    levels: list[Level] = []
    begin = first = 0
    for number in program.levels():
        boundary = program.boundaries[number]
        levels.append(Level(program, boundary, program.inside(number, begin, first)))
        begin, first = boundary.end, number + 1
    return levels
