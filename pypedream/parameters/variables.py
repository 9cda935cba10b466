"""Variables: what stages may change while a run lasts.

`Variables` describes them and never changes; a run starts its own `RunVariables` from it, so two
runs never meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from threading import RLock
from typing import Any, NoReturn

from pypedream.errors import UndefinedVariableException
from pypedream.names import did_you_mean
from pypedream.parameters.copying import copied
from pypedream.values import short


class Variables(Mapping[str, Any]):
    """The names that stages may change, with the values that each run begins with.

    Examples
    --------
    >>> variables = Variables.define(rows=0)
    >>> run = variables.start()
    >>> run["rows"] = 52
    >>> run.rows, variables["rows"]
    (52, 0)
    """

    __slots__ = ("_initial",)

    def __init__(self, initial: Mapping[str, Any]) -> None:
        self._initial = dict(initial)

    @classmethod
    def define(cls, /, **initial: Any) -> Variables:
        """Define variables by their initial values.

        A list, dict or set is copied for each run; other values are the same object in all.
        """
        return cls(initial)

    def start(self) -> RunVariables:
        """Return variables for one run."""
        return RunVariables(self._initial)

    def __getitem__(self, name: str) -> Any:
        try:
            return self._initial[name]
        except KeyError:
            raise _unknown(name, self._initial) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._initial)

    def __len__(self) -> int:
        return len(self._initial)

    def __repr__(self) -> str:
        return f"Variables({_shown(self._initial)})"


class RunVariables(MutableMapping[str, Any]):
    """The variables of one run: read and set as items or attributes, from any thread.

    Reading and setting one variable is safe by itself. What reads *and* sets is not: use
    `change`, or hold `lock` meanwhile.

    Attributes
    ----------
    lock
        Held while something is set. ``with variables.lock:`` makes several steps one; what the
        holder itself sets does not wait.

    Examples
    --------
    >>> variables = Variables.define(rows=10).start()
    >>> variables.change("rows", lambda rows: rows + 5)
    15
    """

    __slots__ = ("_values", "lock")
    lock: RLock
    _values: dict[str, Any]

    def __init__(self, initial: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_values", copied(dict(initial)))
        object.__setattr__(self, "lock", RLock())

    def change(self, name: str, function: Callable[[Any], Any]) -> Any:
        """Set a variable to what *function* makes of its value, and return that.

        No other thread sets any variable meanwhile.

        Raises
        ------
        UndefinedVariableException
            If there is no such variable. The function is not called.
        """
        with self.lock:
            value = function(self[name])
            self._values[name] = value
            return value

    def update(self, *values: Any, **by_name: Any) -> None:
        """Set several variables at once, or none of them if a name is unknown.

        Raises
        ------
        UndefinedVariableException
            If one of the names is no variable.
        """
        new = dict(*values, **by_name)
        with self.lock:
            for name in new:
                self._make_sure(name)
            self._values.update(new)

    def snapshot(self) -> dict[str, Any]:
        """Return the values of this moment; its containers are copies."""
        with self.lock:
            values: dict[str, Any] = copied(self._values)
            return values

    def __getitem__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise _unknown(name, self._values) from None

    def __setitem__(self, name: str, value: Any) -> None:
        self._make_sure(name)
        with self.lock:
            self._values[name] = value

    def __delitem__(self, name: str) -> NoReturn:
        self._make_sure(name)
        raise TypeError(f'variable "{name}" cannot be deleted: set it to None instead')

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # asked by copy, pickle and notebooks, also before __init__
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> NoReturn:
        del self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"RunVariables({_shown(self.snapshot())})"

    def _make_sure(self, name: str) -> None:
        if name not in self._values:
            raise _unknown(name, self._values)


def _unknown(name: str, known: Mapping[str, Any]) -> UndefinedVariableException:
    hint = did_you_mean(str(name), known) or "; define it with Variables.define(...)"
    return UndefinedVariableException(f'no variable "{name}"{hint}')


def _shown(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={short(value, 40)}" for name, value in values.items())
