"""Changes to the process that last as long as a run needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.log.lock import ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LOCK", "Change", "Patch"]

LOCK = ForkLock()


class Change:
    """Something that is made for the first run and undone after the last, in whatever order.

    A subclass has `apply` and `undo`. Undoing must be safe where nothing was applied: Ctrl-C may
    come in between.
    """

    def __init__(self) -> None:
        self._users: set[object] = set()

    @property
    def is_needed(self) -> bool:
        """Whether a run is active that needs the change."""
        return bool(self._users)

    def begin(self, user: object) -> None:
        """Make the change, unless it is there for another *user*."""
        with LOCK:
            if not self._users:
                self.apply()
            self._users.add(user)

    def end(self, user: object) -> None:
        """Undo the change, unless somebody else needs it."""
        with LOCK:
            self._users.discard(user)
            if not self._users:
                self.undo()

    def forget(self) -> None:
        """Undo the change whoever needs it: they are in another process."""
        self._users.clear()
        self.undo()

    def apply(self) -> None:
        """Make the change."""
        raise NotImplementedError

    def undo(self) -> None:
        """Leave everything as it was before."""
        raise NotImplementedError


class Patch(Change):
    """One attribute of a module or class is replaced.

    If somebody else replaced it on top of ours, ours is left where it is: outside a stage it only
    calls what it replaced.

    Parameters
    ----------
    owner
        Returns the module or class; called when a run starts, so it may import it.
    name
        Name of the attribute.
    replacement
        Makes what stands there instead, out of what stood there.
    """

    def __init__(
        self, owner: Callable[[], Any], name: str, replacement: Callable[[Any], Any]
    ) -> None:
        super().__init__()
        self._find_owner = owner
        self._name = name
        self._make = replacement
        self._owner: Any = None
        self._original: Any = None
        self._ours: Any = None

    def apply(self) -> None:
        """Replace the attribute."""
        self._owner = self._find_owner()
        current = getattr(self._owner, self._name)
        # Otherwise ours was left there and is on top again, or can be used once more.
        if current is not self._ours and current is not self._original:
            self._original = current
            self._ours = self._make(current)
        setattr(self._owner, self._name, self._ours)

    def undo(self) -> None:
        """Put back what stood there."""
        if self._ours is not None and getattr(self._owner, self._name) is self._ours:
            setattr(self._owner, self._name, self._original)
