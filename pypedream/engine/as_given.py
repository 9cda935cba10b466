"""As given: what stages gave, each with a digest of then, so that a later change in place is seen.

A run that keeps nothing is gone on from with the values themselves. A stage that failed, or that is
written anew in its cell, may have changed what it read, and would get that a second time.
"""

from __future__ import annotations

from typing import Any

from pypedream.engine.mutation import digest


class ValuesAsGiven(dict[str, Any]):
    """From stage to its return value.

    Attributes
    ----------
    digests
        From stage to the digest of what it gave; None when that cannot be changed.
    """

    def __init__(self, digests: dict[str, object]) -> None:
        super().__init__()
        self.digests = digests

    def __setitem__(self, key: str, value: Any) -> None:
        self.digests[key] = digest(value)
        super().__setitem__(key, value)

    def is_changed(self, key: str) -> bool:
        """Say whether the value of a stage is not what the stage gave."""
        before = self.digests.get(key)
        return before is not None and digest(self[key]) != before
