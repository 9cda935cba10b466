"""What a plan says of a group of parameters that is not as it was: which of its names."""

from __future__ import annotations

import shutil

import pytest

from pypedream import Parameters, Pipeline, Secret

FORMULAS = {"a": "y ~ x", "c": "affairs ~ age + yrs_married + religious"}


def fit(formulas):
    return len(formulas)


def fitted(workspace, **groups) -> Pipeline:
    """A pipeline that has run, whose stage reads all of a group."""
    flow = Pipeline(
        "fits", Parameters.define(**groups), workspace=workspace, cache="cached", progress=False
    )
    flow.stage(fit)
    flow.run()
    return flow


def test_a_plan_names_what_has_changed_in_a_group(tmp_path):
    """With both values; names that are as they were are left out."""
    flow = fitted(tmp_path, formulas=FORMULAS)

    plan = flow.plan({"formulas.c": "affairs ~ age"})

    assert plan.stages["fit"].reason == (
        "parameter \"formulas.c\" 'affairs ~ age + yrs_married + religious' -> 'affairs ~ age'"
    )


def test_a_group_within_a_group_is_taken_apart_too(tmp_path):
    """A name has all its dots; what is no text is compared as a record has it."""
    flow = fitted(tmp_path, formulas={"one": {"steps": (1, 2), "rate": 0.1}, "two": 2})

    plan = flow.plan({"formulas.one.steps": (1, 3), "formulas.two": 3})

    assert plan.stages["fit"].reason == (
        'parameter "formulas.one.steps" [1, 2] -> [1, 3], parameter "formulas.two" 2 -> 3'
    )


@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "secret"])
def test_what_no_record_says_is_told_of_the_group(tmp_path, is_gone):
    """The record may have been removed, and it says nothing of secrets."""
    flow = fitted(tmp_path, formulas={"key": Secret("abcd-1234"), "two": 2})
    if is_gone:
        flow.run()  # it has taken the result of the first run over
        shutil.rmtree(min((tmp_path / "runs").iterdir()))

    plan = flow.plan({"formulas.two": 3} if is_gone else {"formulas.key": "efgh-5678"})

    assert plan.stages["fit"].decision == "run"
    assert plan.stages["fit"].reason.startswith('parameter "formulas"')
    assert "5678" not in plan.stages["fit"].reason
