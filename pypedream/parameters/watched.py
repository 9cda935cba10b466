"""Watched: a mapping of a run as stages see it, that tells which stage uses it by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream import context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Watched:
    """A mapping of a run as stages see it, that tells which stage uses it by itself.

    What a stage reads by its inputs is known before it is called; this is the rest.
    """

    def __init__(self, names: Any, tell: Callable[[str], object]) -> None:
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_tell", tell)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """What ``isinstance`` is told: a stage need not know that it is watched."""
        return type(self._whole())

    def _whole(self) -> Any:
        return self._names

    def _seen(self) -> Any:
        attempt = context.STAGE.get()
        if attempt is not None:
            self._tell(attempt.stage)
        return self._whole()

    def __getitem__(self, name: str) -> Any:
        return self._seen()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._seen()[name] = value

    def __delitem__(self, name: str) -> None:
        del self._seen()[name]

    def __contains__(self, name: object) -> bool:
        return name in self._seen()

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen())

    def __len__(self) -> int:
        return len(self._seen())

    def __dir__(self) -> list[str]:
        return dir(self._whole())

    def __eq__(self, other: object) -> bool:
        return bool(self._seen() == other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._seen())

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._seen().__reduce_ex__(protocol)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._seen(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._seen(), name, value)


class WatchedLater(Watched):
    """A mapping as stages see it that is made when one of them first looks: few do by themselves.

    Parameters
    ----------
    make
        Returns the mapping.
    """

    def __init__(self, make: Callable[[], Any], tell: Callable[[str], object]) -> None:
        super().__init__(None, tell)
        object.__setattr__(self, "_make", make)

    def _whole(self) -> Any:
        if self._names is None:
            object.__setattr__(self, "_names", self._make())
        return self._names
