"""Whether a pipeline can run elsewhere: all reasons why not, and what will be different there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream.engine.problem import Problem
from pypedream.errors import ExportError
from pypedream.export.schema import params_of
from pypedream.export.target import fresh

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from pypedream.export.outline import Param
    from pypedream.pipeline import Pipeline


@define
class Journey:
    """What became known of a pipeline that is to run elsewhere.

    Attributes
    ----------
    reasons
        Why it cannot; empty if it can.
    warnings
        What will be different there.
    params
        Its parameters by dotted name.
    fingerprint
        What it is, to be compared where it is called.
    varies
        What is another value each time that it is imported.
    """

    reasons: list[Problem] = Factory(list)
    warnings: list[Problem] = Factory(list)
    params: Mapping[str, Param] = Factory(dict)
    fingerprint: str = ""
    varies: tuple[str, ...] = ()

    def insist(self, pipeline: str) -> None:
        """Raise all reasons at once, if there are any.

        Raises
        ------
        ExportError
            With a line for each.
        """
        if self.reasons:
            lines = "".join(f"\n  {reason}" for reason in self.reasons)
            raise ExportError(f'pipeline "{pipeline}" cannot run elsewhere as it is:{lines}')


def check(
    pipeline: Pipeline,
    target: str,
    *,
    host: str = "airflow",
    schedule: Any = None,
    store: str = "",
    map_chunk: int | None = None,
    paths: Iterable[str | os.PathLike[str]] = (),
    file: str | os.PathLike[str] | None = None,
) -> Journey:
    """Return all that stands against running a pipeline elsewhere, and what will be different.

    Parameters
    ----------
    target
        Where it is found: "module:name"; see `pypedream.export.target.target_of`.
    host
        What is to run it: "airflow" or "prefect".
    schedule
        When it is to run by itself; None never does.
    store
        Folder or URL of the store for values between tasks; "" if there is none.
    map_chunk
        How many items of a mapped stage are one task.
    paths
        Folders that the host imports from besides what is installed.
    file
        The file that is to be written.
    """
    _ = (host, schedule, store, map_chunk, file)
    place = pipeline.blueprint.definition.place
    found = fresh(target, paths)
    params, reasons = params_of(pipeline.parameters, found.varies, place)
    if found.error:
        reasons.append(Problem(f"{target} cannot be imported: {found.error}", place))
    return Journey(reasons, [], params, found.fingerprint, found.varies)
