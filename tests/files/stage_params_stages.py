"""A stage whose parameters are a model of pydantic."""

from typing import Annotated

from pypedream.files import JSON, Dep, Out, StageParams


class Limits(StageParams):
    """How many numbers are left."""

    limit: int = 1


def limited(
    params: Limits, numbers: Annotated[list[int], Dep("in.json", JSON())]
) -> Annotated[list[int], Out("limited.json", JSON())]:
    """Return the first numbers."""
    return numbers[: params.limit]
