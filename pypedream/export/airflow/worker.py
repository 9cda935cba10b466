"""Worker: what the tasks of a DAG file call, in a process of Airflow's.

Airflow repeats tasks, stops them in time and says which attempt it is; stages are called here as
anywhere. What cannot get better by another attempt fails at once.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pypedream.engine.host import Host
from pypedream.errors import ExportError, MapError, StoreError
from pypedream.export.airflow import api
from pypedream.export.hand_over import not_made
from pypedream.export.remote import (
    HOPELESS,
    Ended,
    Remote,
    chunks,
    is_several,
    load,
    refuse_drift,
    secrets_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pypedream.export.hand_over import Handle
    from pypedream.pipeline import Pipeline
    from pypedream.stage import Policy

    About = Mapping[str, Any]


def run_stage(
    about: About, name: str, upstream: Mapping[str, Any], item: Mapping[str, int] | None = None
) -> Handle:
    """Call one stage of a pipeline, or some items of a mapped one.

    Parameters
    ----------
    about
        What the DAG file says of the pipeline.
    name
        Key of the stage.
    upstream
        From each stage that it reads to the handle of its result; None if that was skipped. Of a
        mapped stage the handle of the shape of its items, and those of what its tasks gave.
    item
        Which items to call: from "first" up to "stop".

    Raises
    ------
    AirflowSkipException
        If the stage is passed over, or ended the run.
    AirflowFailException
        If another attempt is of no use.
    Exception
        What the stage raised.
    """
    is_chunk = item is not None and is_several(item)
    with _remote(about, name, is_repeated=is_chunk) as remote:
        ended = remote.stage(name, upstream, item)
    return _given(ended)


def run_items(
    about: About, name: str, upstream: Mapping[str, Any], map_chunk: int | None = None
) -> list[dict[str, int]]:
    """List the items of a mapped stage; what they are like is pushed under "shape".

    Parameters
    ----------
    map_chunk
        How many items a task calls; None takes one, or as many as make no more tasks than Airflow
        allows.

    Raises
    ------
    AirflowFailException
        If there would be too many tasks.
    """
    with _remote(about, name) as remote:
        total, ended = remote.items(name, upstream)
        pieces = chunks(total, map_chunk, api.most_mapped())
        _refuse_untimed(name, remote.policy(name), pieces, map_chunk)
    shape = not_made(ended.why) if ended.handle is None else ended.handle
    api.context()["ti"].xcom_push(key="shape", value=shape)  # who reads it fails if it is not there
    _given(ended)
    return pieces


def run_group(
    about: About, name: str, stages: Sequence[str], upstream: Mapping[str, Any]
) -> Handle:
    """Call several stages in one task, repeated and timed as each of them says."""
    with _remote(about, name, is_repeated=True) as remote:
        ended = remote.group(stages, upstream)
    return _given(ended)


@contextmanager
def _remote(about: About, name: str, *, is_repeated: bool = False) -> Iterator[Remote]:
    """Open the pipeline for one task, and tell Airflow in its own way what becomes of it.

    Parameters
    ----------
    is_repeated
        Whether what failed was repeated already as the stages say.
    """
    from pypedream.export.airflow.task_log import TaskLogSink, mask

    context = api.context()
    host = _host(context)
    sink = TaskLogSink(about["name"], attempt=host.attempt)  # before the user's module is imported
    remote = None
    try:
        pipeline = load(about["target"])
        refuse_drift(about, pipeline, "DAG file")
        values = _values(about, pipeline, context)
        mask(pipeline.parameters.with_values(values, source="Airflow").secrets())
        owner = str(context["ti"].dag_id)  # run ids of a schedule are the same in all DAGs
        remote = Remote(about, pipeline, values, host, (sink,), owner)
        with sink.bound(name):
            yield remote
    except HOPELESS as error:
        where = f'stage "{name}": ' if isinstance(error, MapError) else ""
        api.fail(f"{where}{error}", error)
    except StoreError:
        raise  # it may be there again at the next attempt
    except Exception as error:
        if remote is not None and (is_repeated or not remote.is_worth_a_retry(name, error)):
            api.fail(f"{type(error).__name__}: {error}", error)
        raise
    finally:
        if remote is not None:
            remote.close()


def _given(ended: Ended) -> Handle:
    if ended.handle is None:
        api.skip(ended.why)
    return ended.handle


def _values(about: About, pipeline: Pipeline, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the parameters that the run of the DAG has.

    Raises
    ------
    ParameterError
        If one is unknown or refused; Airflow itself lets pass what is not declared.
    """
    from pypedream.export.schema import values_from

    given = {**context["params"], **(getattr(context["dag_run"], "conf", None) or {})}
    varying = [name for name in about.get("varies", ()) if given.get(name, "") is None]
    for name in varying:  # it was left to each task to take the default of the moment
        del given[name]
    values = values_from(pipeline.parameters, given)
    return {**values, **secrets_of(about, pipeline, api.variable)}


def _host(context: Mapping[str, Any]) -> Host:
    run = context["dag_run"]
    logical = context.get("logical_date") or getattr(run, "logical_date", None)
    return Host(
        run_id=str(run.run_id),
        started_at=getattr(run, "start_date", None),
        logical_date=logical or getattr(run, "run_after", None),
        attempt=int(context["ti"].try_number),
    )


def _refuse_untimed(
    name: str, policy: Policy, pieces: Sequence[Mapping[str, int]], map_chunk: int | None
) -> None:
    """Refuse to call several items within the time of one."""
    if policy.timeout_s is None or map_chunk is not None or not pieces:
        return
    size = pieces[0]["stop"] - pieces[0]["first"]
    if size > 1:
        raise ExportError(
            f'stage "{name}" has timeout_s={policy.timeout_s:g} for each item, and there are too'
            f" many for a task each: export with --map-chunk {size} or more"
        )
