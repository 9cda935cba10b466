"""Arguments that are what the last run wrote, each with the output that writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.files.sides import argument, output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypedream.files.report import Report
    from pypedream.files.sides import Side

_MISMATCH = "IncrementalOut path mismatch"


def with_paths_of_outputs(
    reads: Sequence[Side],
    writes: Sequence[Side],
    dep_paths: dict[str, Any],
    out_paths: dict[str, Any],
    given: Any,
    report: Report,
) -> dict[str, Any]:
    """Return *dep_paths* with the path that is now written for each argument that goes on from it.

    Parameters
    ----------
    reads, writes
        What is annotated.
    dep_paths, out_paths
        What overrides it already taken into account.
    given
        The arguments whose path is overridden itself; it must be that of the output then.
    """
    inputs = [side for side in reads if _is_incremental(side)]
    outputs = [side for side in writes if _is_incremental(side)]
    if not (inputs or outputs):
        return dep_paths
    paths = dict(dep_paths)
    for read in inputs:
        match = [side for side in outputs if side.path == read.path]
        if not match:
            report.wrong(argument(read.name), _unmatched(read, outputs))
            continue
        path = out_paths[match[0].name]
        if read.name in (given or ()) and paths[read.name] != path:
            what = f'{_MISMATCH}: it reads "{paths[read.name]}" and {output(match[0].name)} writes'
            report.wrong(argument(read.name), f'{what} "{path}": override both')
        if match[0].annotation.loader != read.annotation.loader:
            what = f"is written by {match[0].annotation.loader}"
            report.wrong(argument(read.name), f"it is read by {read.annotation.loader} and {what}")
        paths[read.name] = path
    for write in outputs:
        if not inputs:
            hint = f'write Annotated[..., IncrementalOut("{write.path}", ...)] at an argument, too'
            report.wrong(output(write.name), f"{_MISMATCH}: no argument reads it: {hint}")
        elif all(side.path != write.path for side in inputs) and len(outputs) > len(inputs):
            what = f'{_MISMATCH}: no argument reads "{write.path}"'
            report.wrong(output(write.name), f"{what}: use the same path in both annotations")
    return paths


def _is_incremental(side: Side) -> bool:
    return bool(side.annotation.kind == "incremental")


def _unmatched(read: Side, outputs: Sequence[Side]) -> str:
    if len(outputs) == 1:
        written = f'and {output(outputs[0].name)} writes "{outputs[0].path}"'
    else:
        written = "and no output with IncrementalOut writes it"
    return f'{_MISMATCH}: it reads "{read.path}", {written}: use the same path in both annotations'
