"""Writing: results are kept as they come; small ones that come fast are written together.

What is kept is written down at once, so that who changes the value afterwards changes only his. It
is in the store at the latest with the next result, 50 ms later, or at the end.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from pypedream.errors import PypedreamError, StoreError
from pypedream.steps.cache import ERROR, PICKLES, Unkept, is_in_file
from pypedream.steps.failures import is_of_step, record_of
from pypedream.store.recording import Manner, record
from pypedream.values import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from pypedream.store.backend import Backend
    from pypedream.store.entry import Entry

__all__ = ["Writing"]

_PLAIN = Manner("auto", {}, {})
_SECRET = b"pypedream.parameters.secret"
_SLOW_S = 0.005
_LONGEST_S = 0.05


class _HoldsSecretError(Exception):
    """There is a `Secret` in a value, though no run says which texts are secret."""


class Writing:
    """Keeps results in one store, for as long as a block lasts."""

    def __init__(self, backend: Backend, secrets: Sequence[str] = ()) -> None:
        self._backend = backend
        self._secrets = secrets
        self._waiting: list[Entry] = []
        self._since = 0.0

    def __enter__(self) -> Writing:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.flush()

    def keep(self, key: str, value: Any, took_s: float) -> bool:
        """Keep a value in place of what there is; not one with a secret in it.

        Returns
        -------
        Whether it is kept.

        Raises
        ------
        Unkept
            If no format can hold it.
        """
        if self._is_secret(value):
            return False
        try:
            record(self, key, value, _PLAIN, replace=True, duration_s=took_s)  # type: ignore[arg-type]
        except _HoldsSecretError:
            return False
        except (OSError, MemoryError):
            raise
        except Exception as error:
            if isinstance(error.__cause__, OSError):
                raise StoreError(f"cannot write {self._backend.location}: {error}") from error
            cause = error.__cause__ or error
            raise Unkept(one_line(str(cause)) or type(cause).__name__) from error
        if self._waiting and (took_s > _SLOW_S or monotonic() - self._since > _LONGEST_S):
            self.flush()
        return True

    def keep_error(self, key: str, error: BaseException) -> bool:
        """Keep an error of a step; what the library or the machine is to blame for is not kept."""
        if not is_of_step(error) or isinstance(error, (PypedreamError, MemoryError)):
            return False
        kept = record_of(error)
        # it may be in a note, or in what the error comes from
        if self._is_secret(kept) or _SECRET in kept["pickled"]:
            return False
        manner = Manner("auto", {}, {ERROR: type(error).__name__})
        record(self._backend, key, kept, manner, replace=True)
        return True

    def _is_secret(self, value: Any) -> bool:
        if not self._secrets:
            return False
        from pypedream.engine.asked_before import holds_secret

        return holds_secret(value, self._secrets)

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        with self._backend.batch():
            for entry in waiting:
                self._backend.add(entry, None, replace=True)

    # As a place for entries, of which `record` needs these two.

    def staged(self) -> AbstractContextManager[Path]:
        """Give a path to write content to."""
        return self._backend.staged()

    def add(self, entry: Entry, content: Path | None, *, replace: bool) -> Entry:
        """Store an entry, now or with those that follow."""
        if entry.serializer in PICKLES and _names_secret(entry, content):
            raise _HoldsSecretError
        if content is not None:
            return self._backend.add(entry, content, replace=replace)
        if not self._waiting:
            self._since = monotonic()
        self._waiting.append(entry)
        return entry


def _names_secret(entry: Entry, content: Path | None) -> bool:
    if content is not None:
        return is_in_file(content, _SECRET)
    return entry.inline is not None and _SECRET in entry.inline
