"""The parameters of stages as groups of the pipeline's parameters, each called like its stage.

So they are set, shown, recorded and compared as all others are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pypedream.errors import ParameterError, PipelineConfigError
from pypedream.files.params import FILES, overrides_for
from pypedream.parameters.including import with_group, without_group
from pypedream.parameters.table import Parameters
from pypedream.parameters.typed import group_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.stage import Stage

__all__ = ["missing_groups", "with_file_values", "with_stage_params", "without_stage_params"]


def with_stage_params(parameters: Parameters, key: str, stage: Stage) -> Parameters:
    """Return parameters with those of a stage, if it has any.

    Raises
    ------
    PipelineConfigError
        If there is a parameter of that name already.
    """
    value = _value(stage)
    if value is None:
        return parameters
    try:
        return with_group(parameters, key, group_of(type(value), f"{key}.", value))
    except PipelineConfigError as error:
        what = f'stage "{key}" has parameters of its own, and {error}'
        raise PipelineConfigError(f"{what}: give one of them another name") from None


def without_stage_params(parameters: Parameters, key: str, stage: Stage | None) -> Parameters:
    """Return parameters without those of a stage that is not there any more."""
    if stage is None or _value(stage) is None or key not in parameters:
        return parameters
    return without_group(parameters, key)


def missing_groups(parameters: Parameters, stages: Mapping[str, Stage]) -> Parameters:
    """Return parameters with those of all stages, also after somebody replaced the parameters."""
    for key, stage in stages.items():
        if _value(stage) is not None and key not in parameters:
            parameters = with_stage_params(parameters, key, stage)
    return parameters


def with_file_values(
    parameters: Parameters, stages: Mapping[str, Stage], scopes: Mapping[str, str]
) -> Parameters:
    """Return parameters with what ``params.yaml`` in the project of each stage says.

    It replaces defaults: what somebody has set already stays.

    Raises
    ------
    ParameterError
        With one line for each mistake in the file.
    """
    mistakes: list[str] = []
    roots = {one.files.root: None for one in stages.values() if one.files and one.files.spec.params}
    for root in roots:
        names = dict(_names(root, stages, scopes))
        try:
            found = overrides_for(Path(root), {name: value for name, (_, value) in names.items()})
            for name, values in found.items():
                parameters = _set(parameters, names[name][0], values, _file(root))
        except ParameterError as error:
            mistakes.extend(str(error).splitlines())
    if mistakes:
        raise ParameterError("\n".join(mistakes))
    return parameters


def _file(root: str) -> str:
    return next(name for name in FILES if Path(root, name).is_file())


def _names(
    root: str, stages: Mapping[str, Stage], scopes: Mapping[str, str]
) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Yield each name that a file may use, with the stage that it means and its parameters.

    A stage that was included under a prefix also has the name that it has in its own pipeline.
    """
    for key, stage in stages.items():
        scope = scopes.get(key, "")
        if stage.files is not None and stage.files.root == root and scope:
            yield key.removeprefix(f"{scope}."), (key, _value(stage))
    for key, stage in stages.items():
        yield key, (key, _value(stage))


def _set(parameters: Parameters, key: str, values: Mapping[str, Any], source: str) -> Parameters:
    changed = parameters.with_data({key: values}, source=source)
    ours = {name: parameters.given[name] for name in parameters.sources}
    given = {**changed.given, **ours}
    return Parameters(changed.root, given, {**changed.sources, **parameters.sources})


def _value(stage: Stage) -> Any:
    return None if stage.files is None else stage.files.spec.params_value
