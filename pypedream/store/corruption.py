"""What is done about content that is not what was stored: say so, and take it for absent."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypedream.store.entry import Entry

__all__ = ["CorruptEntryWarning", "Damaged", "warn"]


class CorruptEntryWarning(UserWarning):
    """The content of an entry was damaged; it has been set aside."""


class Damaged(Exception):
    """The content of an entry is not what was stored; never seen by users.

    Attributes
    ----------
    reason
        "missing", "truncated" or "changed".
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def warn(entry: Entry, reason: str) -> None:
    """Warn that the content of *entry* is damaged."""
    text = f'the stored value of "{entry.key}" is {reason} and is not used; it must be made again'
    warnings.warn(text, CorruptEntryWarning, stacklevel=2)
