"""What is wrong with where stages are to be called is known before anything runs."""

from __future__ import annotations

import importlib.util

import pytest

from pypedream import Pipeline
from pypedream.errors import PlanError


@pytest.fixture
def without(monkeypatch):
    """Let packages look as if they were not installed."""
    usual = importlib.util.find_spec

    def hide(*names):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, *a: None if name in names else usual(name, *a)
        )

    return hide


def problems(flow, **options):
    with pytest.raises(PlanError) as caught:
        flow.plan(**options)
    return [one.what for one in caught.value.problems]


def test_an_executor_that_is_not_installed_says_how_to_get_it(without):
    """Each once, however many stages want it, and with the extra's name."""
    without("distributed", "ray", "submitit")
    flow = Pipeline("flow")
    for name, executor in (("b", "ray"), ("c", "ray"), ("d", "slurm")):
        flow.stage(problems_of_nothing, name=name, executor=executor)

    assert problems(flow, executor="dask") == [
        (
            'executor="ray" needs ray: pip install "pypedream[ray]"'
            "  or  conda install -c conda-forge ray"
        ),
        (
            'executor="slurm" needs submitit: pip install "pypedream[slurm]"'
            "  or  conda install -c conda-forge submitit"
        ),
    ]


def problems_of_nothing():
    return []


def test_every_function_that_cannot_travel_is_named(without):
    """Without cloudpickle only what a worker can import goes there."""
    without("cloudpickle")
    flow = Pipeline("flow")
    flow.stage(lambda: 1, name="small")
    flow.stage(problems_of_nothing, name="imported")
    flow.stage(lambda small: small, name="here", executor="threads")

    def inner(small):
        return small

    flow.stage(inner)

    found = problems(flow, executor="processes")
    assert [text.split(":")[0] for text in found] == [
        'stage "small" is a lambda',
        'stage "inner" is defined within a function',
    ]
    assert 'pip install "pypedream[cluster]"' in found[0]


def test_nothing_is_asked_of_stages_that_do_not_go_there(without):
    """Async stages are awaited here, and what is not selected is not called."""
    without("cloudpickle")
    flow = Pipeline("flow")

    async def awaited():
        return 1

    flow.stage(awaited)
    flow.stage(lambda: 2, name="other")

    assert flow.plan(executor="processes", only="awaited").stages["awaited"].decision == "run"
