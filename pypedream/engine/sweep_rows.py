"""What is held of each run of a sweep: its row, and no more than the workspace does not have."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import NOTHING

from pypedream.engine.past_run import PastRun
from pypedream.engine.result_log import recorded_results
from pypedream.engine.run_results import named_result, scalar_results
from pypedream.engine.runs import RunRow
from pypedream.errors import UndefinedParameterException
from pypedream.log.redaction import Redactor
from pypedream.parameters.secret import MASK, Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pypedream.engine.plan import Blueprint
    from pypedream.engine.run import Run
    from pypedream.engine.runs import Runs
    from pypedream.files.stage_files import StageFiles
    from pypedream.parameters import Parameters
    from pypedream.protocols import OutputMapper
    from pypedream.stage import Stage


def shown_values(parameters: Parameters, names: Iterable[str]) -> dict[str, Any]:
    """Return the values of the parameters that have one, without secrets."""
    found: dict[str, Any] = {}
    for name in names:
        with suppress(UndefinedParameterException):  # it is required, but by no stage that runs
            value = parameters[name]
            is_secret = getattr(parameters.definitions.get(name), "secret", False)
            found[name] = MASK if is_secret or isinstance(value, Secret) else value
    return found


def started(run: Run, values: dict[str, Any]) -> RunRow:
    """Return the row of a run that is about to start."""
    return RunRow(run.id, partial(_held, run), parameters=values)


def settle(row: RunRow, run: Run, runs: Runs, *, is_held: bool) -> None:
    """Write down how a run ended, and let go of it if the workspace has it.

    Parameters
    ----------
    is_held
        Whether the run is held in any case.
    """
    row.state, row.duration_s = run.state, run.duration_s
    secrets = run.parameters.secrets()
    hide = Redactor(secrets).text
    if secrets:
        runs.secrets.update(secrets)
    found = scalar_results(run) if runs.wanted is None else _named(run, runs.wanted)
    row.results = {n: hide(each) if isinstance(each, str) else each for n, each in found.items()}
    if run.failure is not None:
        from pypedream.engine.failure import shown_error

        row.error = hide(shown_error(run.failure.error))
    if run.keeps_results and not is_held:
        row.open = _past(run)


def _named(run: Run, names: Sequence[str]) -> dict[str, Any]:
    found = {name: named_result(run, name) for name in names}
    return {name: value for name, value in found.items() if value is not NOTHING}


def _held(run: Run) -> Run:
    return run


def _past(run: Run) -> partial[PastRun]:
    """Return what opens a run of which the workspace has all but what is returned with it."""
    folder = Path(run.plan.options.workspace, "runs", run.id).absolute()
    lines = recorded_results(folder).lines
    in_memory = run.values_in_memory
    held = {
        key: value for key, value in in_memory.items() if key not in lines or not lines[key].key
    }
    base = run.plan.blueprint
    return partial(PastRun, folder, held, mappers_of(base.definition.stages), files_of(base))


def files_of(base: Blueprint) -> dict[str, StageFiles]:
    """Return what loads the files of stages, by stage."""
    wires = base.wiring.wires.items() if base.has_files else ()
    return {key: wired.files for key, wired in wires if wired.files is not None}


def mappers_of(stages: Mapping[str, Stage]) -> dict[str, OutputMapper]:
    """Return what names the outputs of stages, by stage."""
    return {key: one.output_mapper for key, one in stages.items() if one.output_mapper is not None}
