"""Worker: what the tasks of a flow file call, wherever Prefect runs them.

Prefect repeats tasks, stops them in time and says which attempt it is; stages are called here as
anywhere. What cannot get better by another attempt is marked, and the flow file looks for the mark.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pypedream.engine.host import Host
from pypedream.export.json_form import NotJson, json_form
from pypedream.export.prefect.carrying import carrier_of, handles_of
from pypedream.export.prefect.task_log import TaskLogSink
from pypedream.export.remote import (
    HOPELESS,
    MOST_MAPPED,
    Ended,
    Remote,
    chunks,
    is_several,
    load,
    refuse_drift,
    secrets_of,
)
from pypedream.export.schema import values_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pypedream.export.hand_over import Handle
    from pypedream.pipeline import Pipeline

    Given = Mapping[str, Any]

_MARK: Final = "pypedream_is_final"


def run_stage(
    about: Given,
    name: str,
    parameters: Given,
    upstream: Given,
    item: Mapping[str, int] | None = None,
) -> Handle | Any:
    """Call one stage of a pipeline, or some items of a mapped one.

    Parameters
    ----------
    about
        What the flow file says of the pipeline.
    name
        Key of the stage.
    parameters
        Values of the flow's parameters, by their names in the pipeline.
    upstream
        From each stage that it reads to what its task gave; of a mapped stage what the task of
        its items gave, and what its other tasks did.
    item
        Which items to call: from "first" up to "stop".

    Returns
    -------
    What other tasks get; or a state called "Skipped" if the stage was passed over, or ended the
    run.

    Raises
    ------
    Exception
        What the stage raised.
    """
    is_piece = item is not None and is_several(item)
    with _remote(about, name, parameters, is_repeated=is_piece) as remote:
        ended = remote.stage(name, _handles(upstream), item)
    return ended.handle if ended.handle is not None else _skipped(ended)


def run_items(
    about: Given, name: str, parameters: Given, upstream: Given, map_chunk: int | None = None
) -> Any:
    """List the items of a mapped stage in pieces, and tell what they are like.

    Parameters
    ----------
    map_chunk
        How many items a task calls; None takes one, or as many as make 1024 tasks if no item has
        a time of its own.
    """
    with _remote(about, name, parameters) as remote:
        total, ended = remote.items(name, _handles(upstream))
        is_free = map_chunk is None and remote.policy(name).timeout_s is None
        pieces = chunks(total, map_chunk, MOST_MAPPED if is_free else max(1, total))
    found = {"pieces": pieces, "shape": ended.handle}
    return found if ended.handle is not None else _skipped(ended, found)


def run_group(
    about: Given, name: str, stages: Sequence[str], parameters: Given, upstream: Given
) -> Handle | Any:
    """Call several stages in one task, repeated and timed as each of them says."""
    with _remote(about, name, parameters, is_repeated=True) as remote:
        ended = remote.group(stages, _handles(upstream))
    return ended.handle if ended.handle is not None else _skipped(ended)


def _handles(upstream: Given) -> dict[str, Any]:
    return {key: handles_of(each) for key, each in upstream.items()}


def _skipped(ended: Ended, data: Any = None) -> Any:
    from prefect.states import Completed

    return Completed(name="Skipped", message=ended.why, data=data)


@contextmanager
def _remote(
    about: Given, name: str, parameters: Given, *, is_repeated: bool = False
) -> Iterator[Remote]:
    """Open the pipeline for one task, and mark what another attempt is of no use for.

    Parameters
    ----------
    is_repeated
        Whether what failed was repeated already as the stages say.
    """
    remote = None
    try:
        pipeline = load(about["target"])
        refuse_drift(about, pipeline, "flow file")
        host, sinks = _host(), (TaskLogSink(),)
        remote = Remote(about, pipeline, _values(about, pipeline, parameters), host, sinks)
        remote.carrier = carrier_of(about)
        yield remote
    except HOPELESS as error:
        setattr(error, _MARK, True)
        raise
    except Exception as error:
        if remote is not None and (is_repeated or not remote.is_worth_a_retry(name, error)):
            setattr(error, _MARK, True)
        raise
    finally:
        if remote is not None:
            remote.close()


def _values(about: Given, pipeline: Pipeline, parameters: Given) -> dict[str, Any]:
    """Return the values of the parameters that the run of the flow has.

    Raises
    ------
    ParameterError
        With one line for each that is refused.
    """
    varying = about.get("varies", ())
    given = {
        name: _as_json(value)
        for name, value in parameters.items()
        if not (value is None and name in varying)
    }
    values = values_from(pipeline.parameters, given, source="flow")
    return {**values, **secrets_of(about, pipeline, _secret)}


def _as_json(value: Any) -> Any:
    """Return a value that Prefect checked, and made a date of, as it was written."""
    try:
        return json_form(value)
    except NotJson:
        return value


def _secret(name: str) -> str | None:
    """Return what a Secret block of Prefect's holds; None if there is none of that name."""
    from prefect.blocks.system import Secret

    try:
        block = Secret.load(name.lower().replace("_", "-"), _sync=True)
    except ValueError:  # there is none
        return None
    return str(block.get())


def _host() -> Host:
    from prefect.context import FlowRunContext, TaskRunContext

    task, flow = TaskRunContext.get(), FlowRunContext.get()
    if task is None:
        return Host()
    run = None if flow is None else flow.flow_run
    return Host(
        run_id=str(task.task_run.flow_run_id or task.task_run.id),
        started_at=None if run is None else run.start_time,
        logical_date=None if run is None else run.expected_start_time,
        attempt=max(1, task.task_run.run_count),
    )
