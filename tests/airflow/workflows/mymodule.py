"""The four stages of the first README, as a module of the user's."""

from __future__ import annotations

from datetime import date
from typing import Any

import pypedream
from pypedream import (
    DependencyInputMapper,
    Input,
    InputBinding,
    KeyedInputMapper,
    Parameters,
    Stage,
    context,
)

TODAY = date.today()  # noqa: DTZ011 - as it was written


def get_data(source: Any, for_day: date) -> Any:
    return f"{source} for day {for_day}"


def combine_data(data1: Any, data2: Any) -> Any:
    return f"{data1} and {data2}"


def validate_data(new_data: Any, sources: list[Any]) -> bool:
    return all(source in new_data for source in sources)


def parameter(key: str) -> InputBinding:
    return InputBinding.deferred(context.PARAMETERS, mapper=KeyedInputMapper(from_key=key))


def stage(key: str) -> InputBinding:
    return InputBinding.deferred(context.STAGES, mapper=DependencyInputMapper(from_stage=key))


pipeline = pypedream.Pipeline(
    "my pipeline",
    Parameters.define(source1="your_mom", source2="your_girlfriend"),
    stages={
        "get_data1": Stage(
            get_data,
            inputs=[
                Input(as_arg="source", bind=parameter("source2")),
                Input(as_arg="for_day", bind=InputBinding.now(TODAY)),
            ],
        ),
        "get_data2": Stage(
            get_data,
            inputs=[
                Input(as_arg="source", bind=parameter("source1")),
                Input(as_arg="for_day", bind=InputBinding.now(TODAY)),
            ],
        ),
        "combine_data": Stage(
            combine_data,
            inputs=[
                Input(as_arg="data1", bind=stage("get_data1")),
                Input(as_arg="data2", bind=stage("get_data2")),
            ],
        ),
        "validate_data": Stage(
            validate_data,
            inputs=[
                Input(as_arg="new_data", bind=stage("combine_data")),
                Input(
                    as_arg="sources",
                    bind=InputBinding.deferred(
                        context.PARAMETERS,
                        mapper=lambda params: [params["source1"], params["source2"]],
                    ),
                ),
            ],
        ),
    },
)
