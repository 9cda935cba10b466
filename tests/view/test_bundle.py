from __future__ import annotations

import subprocess
import sys

import pytest

from pypedream import Parameter, Parameters, Pipeline, Secret, Stage, param
from pypedream.view.bundle import mimebundle


@pytest.fixture
def flow() -> Pipeline:
    rate = Parameter(float, 0.5, min=0, help="share of gaps")
    flow = Pipeline("flow", Parameters.define(rate=rate, token=Secret("hunter2-token")))

    @flow.stage
    def load(rate, token):
        """Load the rows."""
        return 1 / rate

    return flow


def objects(flow: Pipeline) -> dict[str, object]:
    failed = flow.run(rate=0, on_error="continue")
    return {
        "pipeline": flow,
        "stage": flow.stages["load"],
        "plan": flow.plan(),
        "run": failed,
        "parameters": flow.parameters,
        "failure": failed.failure,
        "diff": flow.run().diff(failed),
    }


KINDS = ["pipeline", "stage", "plan", "run", "parameters", "failure", "diff"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_shows_itself_in_a_notebook(kind, flow, parsed):
    """As text always, and as HTML of its own; no secret in either."""
    subject = objects(flow)[kind]

    bundle = subject._repr_mimebundle_()

    assert set(bundle) == {"text/plain", "text/html"}
    document = parsed(bundle["text/html"])
    assert "rate" in document.text
    assert "hunter2" not in "".join(bundle.values())


def test_html_is_not_made_when_it_is_not_wanted(flow):
    """A front end may ask for text alone."""
    assert set(mimebundle(flow, include={"text/plain"})) == {"text/plain"}
    assert set(mimebundle(flow, exclude={"text/html"})) == {"text/plain"}


def test_parameters_show_their_rules(flow, parsed):
    """Value, who set it, what it accepts and what it is for."""
    text = parsed(flow.parameters._repr_mimebundle_()["text/html"]).text

    assert "share of gaps" in text
    assert "token***" in text


def test_a_stage_shows_its_policy(parsed):
    """What is said of it where it is defined."""

    def load(year):
        """Load a year."""

    stage = Stage(load, [param("year")], retries=2, tags=("slow",))

    text = parsed(stage._repr_mimebundle_()["text/html"]).text

    assert "load Load a year." in text
    assert "retries2" in text
    assert "tags('slow',)" in text
    assert 'parameter "year"' in text
    assert "test_bundle.py:" in text


def test_a_failure_is_a_card(flow, parsed):
    """The same as on the page of its run."""
    text = parsed(objects(flow)["failure"]._repr_mimebundle_()["text/html"]).text

    assert "load failed" in text
    assert "ZeroDivisionError" in text


def test_a_diff_says_what_differs(flow, parsed):
    """How both runs went, and the parameter that was set."""
    text = parsed(objects(flow)["diff"]._repr_mimebundle_()["text/html"]).text

    assert "before✗ failed" in text.replace("✓ ok", "✗ failed")
    assert "rate" in text


def test_no_view_is_loaded_before_it_is_needed():
    """To define and run a pipeline needs none of this."""
    code = (
        "import sys; from pypedream import Pipeline; flow = Pipeline('a');"
        "flow.stage('b')(lambda: 1); flow.run();"
        "print([name for name in sys.modules if name.startswith('pypedream.view')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
