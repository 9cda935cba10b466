"""Resources: what stages use, and who has how much of it at the moment.

A stage has all that it uses while it runs, or nothing: whoever waits holds nothing, so no two can
wait for each other. Nor does it hold a worker: it is handed on when it has what it uses. Of those
who wait the one of the first rank is served first, and of equals the one that came first; one that
could not start all the same does not keep what others can use.

A mapped stage claims once when it starts, as any stage does. Whoever helps with its items claims
once more; so of what there is once there are no helpers, and the stage has it for itself from its
first item to its last. A helper gives back what a stage waits for as soon as its items are called.
"""

from __future__ import annotations

from collections import Counter
from heapq import heappop, heappush
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING

from attrs import Factory, define

from pypedream.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pypedream.engine.plan import Plan
    from pypedream.engine.wiring import Wire

    Names = tuple[str, ...]
    Waiting = tuple[int, int, Wire, int]

__all__ = ["Loan", "Resources", "limit_notes", "resources_of", "used_by"]


@define(eq=False)
class Resources:
    """The resources of one run; only the scheduler's thread claims for stages.

    Attributes
    ----------
    limits
        How much there is of what there is more than once.
    tell
        Is called when a helper has given something back.
    """

    limits: Mapping[str, int]
    tell: Callable[[], object]
    _taken: Counter[str] = Factory(Counter)
    _full: set[str] = Factory(set)
    _holders: dict[str, Names] = Factory(dict)
    _waiting: dict[Names, list[Waiting]] = Factory(dict)
    _counter: Iterator[int] = Factory(count)
    _lent: Counter[str] = Factory(Counter)
    _refused: dict[Loan, None] = Factory(dict)
    _wanted: frozenset[str] = frozenset()
    _lock: Lock = Factory(Lock)

    @property
    def has_waiting(self) -> bool:
        """Whether a stage waits for what it uses."""
        return bool(self._waiting)

    def claim(self, wired: Wire, number: int, rank: int) -> bool:
        """Claim what a stage uses; if that is not to be had, the stage waits.

        Parameters
        ----------
        number
            Of which attempt, to start it when it has been served.
        rank
            The lower, the sooner it is served.
        """
        uses = used_by(wired)
        if not uses:
            return True
        with self._lock:
            if uses not in self._waiting and self._is_to_be_had(uses):
                self._give(wired, uses)
                return True
            one = (rank, next(self._counter), wired, number)
            heappush(self._waiting.setdefault(uses, []), one)
            self._wanted = self._what_is_wanted()
            return False

    def release(self, key: str) -> None:
        """Take back what a stage has, if it has anything."""
        uses = self._holders.pop(key, None)
        if uses is not None:
            with self._lock:
                self._put_back(uses)

    def serve(self) -> list[tuple[Wire, int]]:
        """Claim for those who wait, as far as there is something; return who can start."""
        served = []
        with self._lock:
            while (uses := self._next_served()) is not None:
                _, _, wired, number = heappop(self._waiting[uses])
                if not self._waiting[uses]:
                    del self._waiting[uses]
                self._give(wired, uses)
                served.append((wired, number))
            self._wanted = self._what_is_wanted()
            again = [loan for loan in self._refused if self._is_to_be_lent(loan.uses)]
            for loan in again:
                del self._refused[loan]
        for loan in again:
            loan.again()
        return served

    def lend(self, loan: Loan) -> bool:
        """Claim for a helper, unless a stage waits for the same; who is refused is asked again."""
        with self._lock:
            if not self._is_to_be_lent(loan.uses):
                self._refused[loan] = None
                return False
            self._take(loan.uses)
            self._lent.update(loan.uses)
            return True

    def take_back(self, loan: Loan) -> None:
        """Take back what a helper has."""
        with self._lock:
            self._put_back(loan.uses)
            self._lent.subtract(loan.uses)
        self.tell()

    def is_wanted(self, uses: Names) -> bool:
        """Say whether a stage waits for what helpers have of these."""
        return not self._wanted.isdisjoint(uses)

    def _give(self, wired: Wire, uses: Names) -> None:
        self._take(uses)
        self._holders[wired.key] = uses

    def _take(self, uses: Names) -> None:
        for name in uses:
            self._taken[name] += 1
            if self._taken[name] >= self.limits.get(name, 1):
                self._full.add(name)

    def _put_back(self, uses: Names) -> None:
        self._taken.subtract(uses)
        self._full.difference_update(uses)

    def _next_served(self) -> Names | None:
        able = [uses for uses in self._waiting if self._is_to_be_had(uses)]
        return min(able, key=lambda uses: self._waiting[uses][0][:2], default=None)

    def _is_to_be_had(self, uses: Names) -> bool:
        return self._full.isdisjoint(uses)

    def _is_to_be_lent(self, uses: Names) -> bool:
        return self._wanted.isdisjoint(uses) and self._is_to_be_had(uses)

    def _what_is_wanted(self) -> frozenset[str]:
        """Return what helpers have to give back so that a stage can start."""
        wanted: set[str] = set()
        for uses in self._waiting if +self._lent else ():
            lacking = self._full.intersection(uses)
            if all(self._lent[name] for name in lacking):
                wanted.update(lacking)
        return frozenset(wanted)


@define(eq=False)
class Loan:
    """What each helper of a mapped stage needs.

    Attributes
    ----------
    again
        Asks for help once more, when there was nothing left before.
    """

    resources: Resources
    uses: Names
    again: Callable[[], object]

    def claim(self) -> bool:
        """Claim for one helper, or be asked again when there is something left."""
        return self.resources.lend(self)

    def release(self) -> None:
        """Give back what one helper has."""
        self.resources.take_back(self)

    @property
    def most(self) -> int:
        """How many may have all of it at the same time."""
        return min(self.resources.limits.get(name, 1) for name in self.uses)

    @property
    def is_wanted(self) -> bool:
        """Whether a stage waits for what the helpers have."""
        return self.resources.is_wanted(self.uses)


def used_by(wired: Wire) -> Names:
    """Return what a stage uses, each name once."""
    return tuple(sorted({*wired.stage.policy.uses}))


def resources_of(plan: Plan, tell: Callable[[], object]) -> Resources | None:
    """Return the resources of a run; None when no stage of it uses any."""
    if not plan.blueprint.has_policies:
        return None
    wires = plan.blueprint.wiring.wires
    if not any(wires[key].stage.policy.uses for key in plan.chosen):
        return None
    return Resources(plan.options.limits or {}, tell)


def limit_notes(plan: Plan) -> list[str]:
    """Return a note for each limit that nothing uses, and for what may be another name of one."""
    limits, users = plan.options.limits or {}, _users(plan)
    notes = [
        f'limits: no stage uses "{name}"{did_you_mean(name, users)}'
        for name in limits
        if name not in users
    ]
    for name, key in users.items():
        others = [other for other in limits if other in users and _letters(other) != _letters(name)]
        near = "" if name in limits else did_you_mean(name, others)
        if near:
            notes.append(f'stage "{key}" uses "{name}", of which there is one{near}')
    return notes


def _users(plan: Plan) -> dict[str, str]:
    """Return from each resource to the first stage that uses it."""
    users: dict[str, str] = {}
    for key, wired in plan.blueprint.wiring.wires.items():
        for name in wired.stage.policy.uses:
            users.setdefault(name, key)
    return users


def _letters(name: str) -> str:
    """Return a name without digits: "gpu:0" and "gpu:1" are two, and no mistake for each other."""
    return "".join(letter for letter in name if not letter.isdigit())
