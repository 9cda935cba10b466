"""A pipeline whose stages fail in ways of their own."""

from __future__ import annotations

import time
from pathlib import Path

from pypedream import Parameter, Parameters, Pipeline, Secret
from pypedream.errors import ExitPipeline

flow = Pipeline(
    "faults",
    Parameters.define(
        how=Parameter(str, ""), notes=Parameter(str), token=Parameter(str, "none", secret=True)
    ),
)


@flow.stage
def alone(notes: str) -> int:
    return 1


@flow.stage(retries=2, retry_on=ConnectionError, timeout_s=0.5)
def fails(how: str, notes: str) -> int:
    with Path(notes).open("a") as file:
        file.write("x")
    if how == "hopeless":
        raise KeyError("nowhere")
    if how == "worth it":
        raise ConnectionError("not there")
    if how == "slow":
        time.sleep(1.5)
    if how == "ends":
        raise ExitPipeline("enough")
    return 1


@flow.stage
def after_it(fails: int) -> int:
    return fails


@flow.stage(uses="gpu:0")
def tells(token: Secret) -> int:
    return len(token.reveal())
