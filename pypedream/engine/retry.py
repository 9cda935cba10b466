"""Retries: whether a failed call is worth another, how long to wait for it, and what waits."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING

from attrs import Factory, define

from pypedream.log.ended import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.context import Attempt
    from pypedream.engine.wiring import Wire
    from pypedream.stage import Policy


@define(eq=False, repr=False)
class Retries:
    """Stages that are tried again when their time has come, the next one first."""

    _waiting: list[tuple[float, int, Wire, int]] = Factory(list)
    _counter: Iterator[int] = Factory(count)  # of two at the same time the one that came first

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def next_at(self) -> float:
        """When the next one is to be tried, by the monotonic clock."""
        return self._waiting[0][0]

    def plan(self, wired: Wire, number: int) -> float:
        """Plan another attempt after attempt *number*; return the seconds until then."""
        delay = retry_delay_s(wired.stage.policy, number)
        heappush(self._waiting, (monotonic() + delay, next(self._counter), wired, number + 1))
        return delay

    def take(self) -> tuple[Wire, int] | None:
        """Take out a stage whose time has come, with the number of its attempt."""
        if not self._waiting or self.next_at > monotonic():
            return None
        _, _, wired, number = heappop(self._waiting)
        return wired, number


def is_worth_a_retry(wired: Wire, attempt: Attempt, error: Exception) -> bool:
    """Say whether an attempt that raised *error* is to be followed by another.

    A rule of the user's that raises is a warning, and no reason to try again.
    """
    policy = wired.stage.policy
    if attempt.number > policy.retries:
        return False
    try:
        return is_of_the_kind(policy, error)
    except Exception as raised:  # noqa: BLE001 - the rule is the user's
        what = f"{type(raised).__name__}: {said_by(raised)}"
        text = f'retry_on of stage "{wired.key}" raised {what}'
        attempt.log.add("warning", text, attempt=attempt, level="warning")
        return False


def is_of_the_kind(policy: Policy, error: Exception) -> bool:
    """Say whether an error is one that the stage may be repeated for; a rule may raise anything."""
    rule = policy.retry_on
    return isinstance(error, rule) if isinstance(rule, (type, tuple)) else bool(rule(error))


def retry_delay_s(policy: Policy, number: int) -> float:
    """Return the seconds to wait after attempt *number*.

    The delay grows by the policy's ``backoff`` with each attempt. With ``jitter`` it is drawn
    evenly between half of that and all of it ("equal jitter", M. Brooker, "Exponential backoff
    and jitter", 2015).
    """
    from random import SystemRandom  # the user's own random state is left as it is

    delay = policy.retry_delay_s * policy.backoff ** (number - 1)
    return delay * SystemRandom().uniform(0.5, 1.0) if policy.jitter else delay
