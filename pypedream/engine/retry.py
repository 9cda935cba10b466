"""Retries: whether a failed call is worth another, and how long to wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypedream.stage import Policy


def is_worth_a_retry(policy: Policy, number: int, error: Exception) -> bool:
    """Say whether attempt *number*, which raised *error*, is to be followed by another."""
    if number > policy.retries:
        return False
    rule = policy.retry_on
    if isinstance(rule, (type, tuple)):
        return isinstance(error, rule)
    return bool(rule(error))


def retry_delay_s(policy: Policy, number: int) -> float:
    """Return the seconds to wait after attempt *number*.

    The delay grows by the policy's ``backoff`` with each attempt. With ``jitter`` it is drawn
    evenly between half of that and all of it ("equal jitter", M. Brooker, "Exponential backoff
    and jitter", 2015).
    """
    from random import SystemRandom  # the user's own random state is left as it is

    delay = policy.retry_delay_s * policy.backoff ** (number - 1)
    return delay * SystemRandom().uniform(0.5, 1.0) if policy.jitter else delay
