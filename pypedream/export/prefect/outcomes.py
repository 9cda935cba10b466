"""Outcomes: what a flow gives in the end, from each stage to what that gave."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pypedream.export.prefect.carrying import carrier_of, handles_of
from pypedream.export.remote import Remote, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    About = Mapping[str, Any]


class Outcome(Mapping[str, Any]):
    """What the stages of a flow gave; those that were skipped are not in it.

    What is in a store is read when it is asked for.
    """

    def __init__(self, about: About, results: Mapping[str, Any]) -> None:
        self._about = dict(about)
        self._handles = {
            key: handles_of(each) for key, each in results.items() if _is_there(key, each)
        }

    def __getitem__(self, stage: str) -> Any:
        handle = self._handles[stage]
        remote = Remote(self._about, load(self._about["target"]))
        remote.carrier = carrier_of(self._about)
        try:
            return remote.given({stage: handle})[stage]
        finally:
            remote.close()

    def __iter__(self) -> Iterator[str]:
        return iter(self._handles)

    def __len__(self) -> int:
        return len(self._handles)

    def __repr__(self) -> str:
        return f"<outcome of {self._about['target']}: {', '.join(self._handles) or 'nothing'}>"


def outcome(about: About, tasks: Mapping[str, Any]) -> Outcome:
    """Wait for all tasks of a flow; return what they gave.

    Parameters
    ----------
    about
        What the flow file says of the pipeline.
    tasks
        From each stage to the future of its task; of a mapped one the future of its items, and
        the list of those of its tasks.

    Raises
    ------
    Exception
        What the first stage raised that failed; the flow fails with it.
    """
    from prefect.exceptions import UpstreamTaskError

    futures = [each for future in tasks.values() for each in _flat(future)]
    for each in futures:
        with suppress(UpstreamTaskError):  # some runners say so of what could not start
            each.wait()
    failed = [each for each in futures if not each.state.is_completed()]
    for each in [*(one for one in failed if one.state.is_final()), *failed]:
        each.result()
    return Outcome(about, {key: _results(future) for key, future in tasks.items()})


def _flat(future: Any) -> list[Any]:
    if isinstance(future, (list, tuple)):
        return [each for one in future for each in _flat(one)]
    return [future]


def _results(future: Any) -> Any:
    if isinstance(future, (list, tuple)):
        return [_results(each) for each in future]
    return future.result()


def _is_there(key: str, result: Any) -> bool:
    """Say whether a stage gave something, itself or with all of its items."""
    if isinstance(result, list):
        items, parts = result
        return items["shape"] is not None and None not in parts
    if isinstance(result, dict) and "stages" in result:
        return result["stages"].get(key) is not None
    return result is not None
