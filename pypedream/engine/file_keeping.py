"""Keeping files: what stages wrote goes to the store and into their locks, and comes back.

The values of such stages are the files: what is kept as their result is what was in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from pypedream import context
from pypedream.context import Attempt
from pypedream.deferred import Deferred
from pypedream.errors import MissingEntry, StoreError, UnreadableResult
from pypedream.files.locked import digests_in
from pypedream.files.written import MARK, Written
from pypedream.store.entry import INLINE_BYTES
from pypedream.store.results import Unstorable

if TYPE_CHECKING:
    from pypedream.engine.calls import Call
    from pypedream.engine.keeping import Keeper
    from pypedream.engine.wiring import Wire
    from pypedream.store.results import Result


def with_copies(keeper: Keeper, value: Any) -> Any:
    """Let what a stage wrote be loaded from its copies once the files are others."""
    if not isinstance(value, Deferred):
        return value
    written: Any = value
    return evolve(written, kept=keeper.calls.files)


def keep_files(keeper: Keeper, wired: Wire, value: Any) -> tuple[Any, dict[str, Any]]:
    """Keep copies of what a stage wrote; return what is kept and recorded of its result."""
    files, written = keeper.calls.files, value
    assert files is not None
    assert wired.files is not None
    keeper.calls.written[wired.key] = written
    files.keep(wired.files.root, written)
    return written.digests, {MARK: written.about()}


def is_small(value: Any) -> bool:
    """Say whether copies of all that a stage wrote are entries of an index, without files."""
    return all(one.size <= INLINE_BYTES for one in value.all)


def has_moved(keeper: Keeper, wired: Wire) -> bool:
    """Say whether a file that a stage read is not what it was before the call."""
    moved = "" if wired.files is None else keeper.calls.moved(wired)
    if moved:
        keeper.warn(f'"{moved}" changed while the stage ran, which is called again the next time')
    return bool(moved)


def lock(keeper: Keeper, wired: Wire, call: Call, value: Any, *, is_shared: bool) -> None:
    """Write down what a stage was called with and what it wrote."""
    assert keeper.calls.locks is not None
    written = value if isinstance(value, Deferred) else None
    try:
        gone = keeper.calls.locks.write(wired, call, written, is_shared=is_shared)  # type: ignore[arg-type]
    except StoreError as error:
        keeper.warn(str(error))
        return
    for stage in gone:
        _say(keeper, wired, f'it writes what "{stage}" wrote, whose lock is removed')


def go_on(keeper: Keeper, wired: Wire) -> None:
    """Put back what the stage wrote the last time, if it goes on from that."""
    files, locks = keeper.calls.files, keeper.calls.locks
    assert files is not None
    assert locks is not None
    assert wired.files is not None
    lock = locks.of(wired)
    digests = {} if lock is None else digests_in(lock, wired.files.goes_on_from)
    for path in files.go_on(wired.files.root, digests):
        _say(keeper, wired, f'"{path}" is put back from the store')


def _say(keeper: Keeper, wired: Wire, text: str) -> None:
    attempt = context.STAGE.get() or Attempt(keeper.log, wired.key, 0)
    keeper.log.add("log", text, attempt=attempt)


def put_back(keeper: Keeper, wired: Wire, found: Result, call: Call) -> Any:
    """Return what a stage wrote, its files made again where they are not as they were.

    Raises
    ------
    UnreadableResult
        If one is lost.
    """
    assert wired.files is not None
    assert keeper.calls.files is not None
    written = Written.from_about(found.about[MARK], wired.files, keeper.calls.files)
    try:
        for path in keeper.calls.files.restore(wired.files.root, written):
            _say(keeper, wired, f'"{path}" is put back from the store')
    except MissingEntry as error:
        raise UnreadableResult(str(error)) from error
    keeper.calls.written[wired.key] = written
    if keeper.is_kept(wired):
        if not found.about.get("run"):
            _keep_locked(keeper, wired, found, written)
        lock(keeper, wired, call, written, is_shared=True)
    return written


def _keep_locked(keeper: Keeper, wired: Wire, found: Result, written: Any) -> None:
    """Keep what a lock named: other runs find it, and can put it back."""
    about = {"pipeline": keeper.pipeline, "stage": wired.key, "run": keeper.run}
    try:
        kept, form = keep_files(keeper, wired, written)
        about = {**about, **form, "identity": found.identity}
        keeper.results.keep(found.key, kept, about, 0.0)
    except Unstorable as error:  # somebody changed it meanwhile
        keeper.warn(f"its result cannot be kept: {error}")


def gave(keeper: Keeper, wired: Wire, written: Any) -> Any:
    """Take note of what a value became that was given in place of a stage with files."""
    keeper.calls.digests[wired.key] = written.identity
    keeper.calls.written[wired.key] = written
    if keeper.is_kept(wired):
        assert keeper.calls.files is not None
        assert wired.files is not None
        keeper.calls.files.keep(wired.files.root, written)
        lock(keeper, wired, keeper.calls.of(wired), written, is_shared=False)
    return with_copies(keeper, written)
