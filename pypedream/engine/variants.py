"""Variants: the stages that one function becomes by a matrix of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.errors import PipelineConfigError
from pypedream.files.matrix import of_variant, variants
from pypedream.inputs import immediate
from pypedream.stage import arguments_of

if TYPE_CHECKING:
    from pypedream.files.stage_files import StageFiles
    from pypedream.stage import Stage


def variants_of(stage: Stage, files: StageFiles | None, matrix: Any) -> list[Stage]:
    """Return a stage for each combination of the values of a matrix, "train@bert_swe".

    Raises
    ------
    PipelineConfigError
        With all mistakes in the matrix.
    """
    if "@" in stage.name:
        raise PipelineConfigError(
            f'stage "{stage.name}": what stands after "@" comes from the matrix: leave it out'
        )
    arguments, made = arguments_of(stage.function).names, []
    mistakes: dict[str, None] = {}
    for variant in variants(stage.name, matrix):
        try:
            own, bound = of_variant(files, variant, arguments, stage.name)
        except PipelineConfigError as error:
            mistakes[str(error)] = None
            continue
        inputs = [immediate(value, name) for name, value in bound.items()]
        one = stage.with_name(f"{stage.name}@{variant.name}").with_inputs(inputs)
        made.append(one if own is None else one.with_files(own))
    if mistakes:
        raise PipelineConfigError("\n".join(mistakes))
    return made
