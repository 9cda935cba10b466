"""Remote: a pipeline where a host calls its stages, each in a process of its own.

Whatever the host is, a task comes with the same facts: which pipeline, which stage, and handles of
what other tasks gave. It goes with a handle of what its own stage gave, or says that there is none.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, evolve, field, frozen

from pypedream.engine.host import NOBODY, Host
from pypedream.engine.part import Part, Shape
from pypedream.engine.retry import is_of_the_kind
from pypedream.errors import (
    ExportError,
    HandOverError,
    MapError,
    ParameterError,
    PlanError,
    UnsafePayload,
)
from pypedream.export.hand_over import Carrier, Handle, Place, not_given, several
from pypedream.export.hosting import hosted
from pypedream.export.one_stage import Called, Calling
from pypedream.log.ended import add_note
from pypedream.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pypedream.pipeline import Pipeline
    from pypedream.stage import Policy

    Upstream = Mapping[str, Any]

MOST_MAPPED: Final = 1024
"""So many tasks a host makes of one stage, if it does not say."""


HOPELESS: Final = (
    ExportError,
    HandOverError,
    MapError,
    ParameterError,
    PlanError,
    UnsafePayload,
)
"""What another attempt is of no use for."""


@frozen
class Ended:
    """What a task came to.

    Attributes
    ----------
    handle
        What others get; None if the stage was passed over or ended the run.
    why
        Why there is no handle.
    """

    handle: Handle | None
    why: str = ""


@define
class Remote:
    """A pipeline in one task of a host.

    Attributes
    ----------
    about
        What the host's file says of the pipeline: "target", "fingerprint", "store", ...
    pipeline
        The pipeline itself.
    values
        Values of parameters, by name.
    host
        What is said of the host's run.
    sinks
        Where events go.
    owner
        Whose run it is, if others may have one with the same id: values of it are kept under this
        name. "" takes the name of the pipeline.
    """

    about: Mapping[str, Any]
    pipeline: Pipeline
    values: Mapping[str, Any] = Factory(dict)
    host: Host = NOBODY
    sinks: tuple[Any, ...] = ()
    owner: str = ""
    carrier: Carrier = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.carrier = Carrier(self.about.get("store", ""))

    def stage(self, name: str, upstream: Upstream, item: Mapping[str, int] | None = None) -> Ended:
        """Call a stage; with *item* only those of its items: {"first": 0, "stop": 10}."""
        parts = {} if item is None else {name: Part(item["first"], item["stop"])}
        repeats = item is not None and is_several(item)  # a host repeats the task, not an item
        called = self._called([name], upstream, parts, repeats=repeats)
        if item is None:
            return self._ended(called, name)
        ended = self._ended(called, name, str(item["first"]))
        if ended.handle is not None:  # a host may hand over parts in any order
            ended.handle["first"] = item["first"]
        return ended

    def items(self, name: str, upstream: Upstream) -> tuple[int, Ended]:
        """Return how many items a mapped stage has, and what they are like, without a call."""
        called = self._called([name], upstream, {name: Part()})
        total = 0
        if name in called.values:
            total = called.values[name].total
            called.values[name] = called.values[name].about()
        return total, self._ended(called, name, "items")

    def group(self, stages: Sequence[str], upstream: Upstream) -> Ended:
        """Call several stages in order, as a run of them does."""
        called = self._called(stages, upstream, {}, repeats=True)
        handles = {key: self._handle(called, key) for key in stages}
        if not called.values:
            return Ended(None, called.exited or next(iter(called.skipped.values()), ""))
        return Ended(several(handles))

    def policy(self, stage: str) -> Policy:
        """Return the policy of a stage."""
        return self.pipeline.blueprint.wiring.wires[stage].stage.policy

    def is_worth_a_retry(self, stage: str, error: Exception) -> bool:
        """Say whether a host may repeat a stage that raised *error*; it knows no such rules.

        A rule of the user's that raises is no reason to try again, and the error says so.
        """
        try:
            return is_of_the_kind(self.policy(stage), error)
        except Exception as raised:  # noqa: BLE001 - the rule is the user's
            add_note(error, f'retry_on of stage "{stage}" raised {type(raised).__name__}: {raised}')
            return False

    def _called(
        self,
        stages: Iterable[str],
        upstream: Upstream,
        parts: Mapping[str, Part],
        *,
        repeats: bool = False,
    ) -> Called:
        host, given = evolve(self.host, parts=parts), self.given(upstream)
        return Calling(self.pipeline, self.values, given, host, self.sinks, repeats).call(*stages)

    def given(self, upstream: Upstream) -> dict[str, Any]:
        """Return what other stages gave; those that were skipped are left out."""
        found = {}
        for key, handed in upstream.items():
            is_mapped = isinstance(handed, (list, tuple))
            handle = handed[0] if is_mapped else handed
            if isinstance(handle, dict) and "stages" in handle:
                handle = handle["stages"].get(key)
            if handle is None or "skipped" in handle:
                continue
            value = self.carrier.take(handle, f'the result of stage "{key}"')
            if is_mapped:
                shape, parts = Shape.from_about(value), self._parts(key, handed[1] or ())
                if len(parts) < shape.total:
                    continue  # an item ended the run
                value = self._gathered(key, shape, parts)
            found[key] = value
        return found

    def _parts(self, key: str, handles: Sequence[Handle]) -> dict[int, Any]:
        """Return what the items of a mapped stage gave, by position."""
        found: dict[int, Any] = {}
        for place in range(len(handles)):  # Airflow logs an error where one goes on to the end
            handle = handles[place]
            values = self.carrier.take(handle, f'a part of what stage "{key}" gave')
            found |= dict(enumerate(values, handle["first"]))
        return found

    def _gathered(self, key: str, shape: Shape, parts: Mapping[int, Any]) -> Any:
        """Return what all items of a mapped stage gave, as the stage gives it."""
        wired = self.pipeline.blueprint.wiring.wires[key]
        assert wired.over is not None
        values = [parts[place] for place in range(shape.total)]
        return shape.gathered(values, wired.over, wired.stage.policy.collect)

    def _ended(self, called: Called, name: str, part: str = "") -> Ended:
        if name in called.values:
            return Ended(self._handle(called, name, part))
        return Ended(None, called.skipped.get(name, called.exited))

    def _handle(self, called: Called, key: str, part: str = "") -> Handle | None:
        """Return a handle of what a stage gave; nobody misses what nobody reads."""
        if key not in called.values:
            return None
        place = Place(
            self.owner or self.pipeline.name, self.host.run_id, key, self.host.attempt, part
        )
        try:
            return self.carrier.give(called.values[key], place)
        except HandOverError as error:
            if self.pipeline.blueprint.children.get(key):
                raise
            return not_given(str(error))

    def close(self) -> None:
        """Let go of what was opened."""
        self.carrier.close()


def refuse_drift(about: Mapping[str, Any], pipeline: Pipeline, file: str) -> None:
    """Refuse a pipeline that is not the one that a host's file was written for.

    Parameters
    ----------
    file
        What the file is called: "DAG file".

    Raises
    ------
    ExportError
        If it is another one.
    """
    expected = about.get("fingerprint", "")
    if not expected:
        return
    from pypedream.export.target import mismatch

    changed = mismatch(expected, pipeline, about.get("varies", ()))
    if changed:
        raise ExportError(
            f"{about['target']} no longer matches the {file}: {changed}; export it again"
        )


def secrets_of(
    about: Mapping[str, Any], pipeline: Pipeline, look_up: Callable[[str], str | None]
) -> dict[str, Any]:
    """Return the values of secret parameters, from the environment or from where a host has them.

    Parameters
    ----------
    look_up
        Returns what the host has under a name; None if that is nothing.
    """
    found = {}
    for name, source in about.get("secrets", {}).items():
        text = os.environ[source] if source in os.environ else look_up(source)
        if text is not None:
            found[name] = pipeline.parameters.definitions[name].parse(text)
    return found


def load(target: str) -> Pipeline:
    """Import a pipeline, or have it made by a function: "module:name" or "module:make()".

    Returns
    -------
    What a host carries out of it.

    Raises
    ------
    ExportError
        If there is none; the nearest name is told.
    """
    from pypedream.pipeline import Pipeline

    module_name, _, name = target.partition(":")
    found: Any = import_module(module_name)
    for part in name.removesuffix("()").split("."):
        if not hasattr(found, part):
            near = did_you_mean(part, vars(found))
            raise ExportError(f'{target}: module "{module_name}" has no "{part}"{near}')
        found = getattr(found, part)
    if name.endswith("()"):
        found = found()
    if not isinstance(found, Pipeline):
        raise ExportError(f"{target} is a {type(found).__name__}, not a Pipeline")
    return hosted(found)


def is_several(item: Mapping[str, int]) -> bool:
    """Say whether a piece of a mapped stage has more than one item."""
    return item["stop"] - item["first"] > 1


def chunks(total: int, size: int | None, most: int = MOST_MAPPED) -> list[dict[str, int]]:
    """Return the items of a mapped stage in pieces, one for each task of the host.

    Parameters
    ----------
    size
        How many items a piece has; None takes so many that there are not too many pieces.
    most
        So many pieces there may be.

    Raises
    ------
    ExportError
        If there would be more.

    Examples
    --------
    >>> chunks(5, 2)
    [{'first': 0, 'stop': 2}, {'first': 2, 'stop': 4}, {'first': 4, 'stop': 5}]
    """
    each = size or max(1, -(-total // most))
    count = -(-total // each)
    if count > most:
        raise ExportError(
            f"{total:,} items in pieces of {each:,} are {count:,} tasks, and this host makes"
            f" {most:,} of one stage at most: export with --map-chunk {-(-total // most)} or more"
        )
    return [{"first": first, "stop": min(first + each, total)} for first in range(0, total, each)]
