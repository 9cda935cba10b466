from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

from pypedream import Parameter, Parameters, Pipeline, Secret
from pypedream.errors import ParameterError, PlanError


@pytest.fixture
def flow() -> Pipeline:
    """A pipeline with a parameter that must be set, and a secret."""
    flow = Pipeline(
        "scores",
        Parameters.define("source", rate=Parameter(float, 0.1, max=1), token=Secret("hunter2")),
    )

    @flow.stage
    def load(source):
        print("loading", source)
        return len(source)

    @flow.stage
    def score(load, rate):
        return load * rate

    return flow


def test_a_form_begins_with_what_is_set(flow, monkeypatch):
    """What the call names wins over the environment, and this over the default."""
    monkeypatch.setenv("PYPEDREAM_PARAM_SOURCE", "env.csv")
    monkeypatch.setenv("PYPEDREAM_PARAM_RATE", "0.3")

    form = flow.form(rate=0.2)

    assert form.values == {"rate": 0.2, "token": Secret("hunter2"), "source": "env.csv"}
    assert form.code == "pipeline.run(rate=0.2)"


def test_a_form_runs_what_is_filled_in(flow, capsys):
    """The run goes on in a thread as any run does, and can be had from the form."""
    form = flow.form(source="a.csv", executor="threads")
    form.entered["rate"] = "0.5"

    run = form.start().wait()

    assert form.run is run
    assert run == {"load": 5, "score": 2.5}
    assert run.plan.options.executor == "threads"
    assert run.parameters.source("rate") == "form"
    assert capsys.readouterr() == ("load  | loading a.csv\n", "")


def test_the_values_of_a_form_are_those_of_a_run(flow):
    """The next cell can use them without the form."""
    form = flow.form(source="a.csv")
    form.entered["rate"] = "0.5"

    assert flow.run(form.values, progress=False)["score"] == 2.5


def test_a_form_plans_what_is_filled_in(flow):
    """Nothing is called."""
    form = flow.form(source="a.csv", until="load")
    form.entered["rate"] = "0.5"

    plan = form.plan()

    assert plan.parameters.rate == 0.5
    assert [one.decision for one in plan.stages.values()] == ["run", "skip"]
    assert form.run is None


def test_the_values_of_a_wrong_form_are_refused(flow):
    """With every mistake, so that no run is made with half of what was meant."""
    form = flow.form()
    form.entered["rate"] = "3.0"

    with pytest.raises(ParameterError, match=r"3\.0 is over the maximum 1\n.*source"):
        _ = form.values


def test_a_secret_does_not_stay_where_it_was_entered(flow):
    """Once a run has it, it is kept as a secret and no longer as what was typed."""
    form = flow.form(source="a.csv")
    form.entered["token"] = "swordfish"

    form.start().wait()

    assert form.entered == {}
    assert form.values["token"].reveal() == "swordfish"
    assert form.code.endswith('pipeline.run(source="a.csv", token=getpass("token"))')
    assert "swordfish" not in repr(form)


@pytest.mark.parametrize(
    "request_, mistake",
    [
        ({"rate": 3}, 'parameter "rate": 3 is over the maximum 1'),
        ({"raet": 1}, 'no parameter "raet"; did you mean "rate"?'),
    ],
)
def test_a_wrong_value_to_begin_with_is_refused(flow, request_, mistake):
    """As for a run, with the line of the parameter."""
    with pytest.raises(PlanError) as caught:
        flow.form(**request_)

    assert mistake in str(caught.value)


def test_a_form_says_in_text_what_it_would_do(flow):
    """At a prompt, or where a notebook is read as text."""
    lines = repr(flow.form()).splitlines()

    assert lines[0] == 'form of pipeline "scores"'
    assert [line.split()[0] for line in lines[1:5]] == ["name", "source", "rate", "token"]
    assert lines[-1] == "  pipeline.run(source=..., rate=0.1)"
    assert "hunter2" not in "\n".join(lines)


def test_without_ipywidgets_a_form_says_how_to_get_them():
    """Both ways to install, and the code that does the same; no traceback and no widget."""
    pytest.importorskip("IPython")
    code = """
        import sys
        sys.modules["ipywidgets"] = None
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance(colors="nocolor")
        shell.run_cell("from pypedream import Parameters, Pipeline")
        shell.run_cell("mine = Pipeline('scores', Parameters.define(rate=0.1))")
        shell.run_cell("mine.form()")
        shell.run_cell("print(mine.form()._repr_mimebundle_()['text/html'])")
    """

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    text, page = done.stdout.split("<div", 1)
    assert 'mine.form() needs ipywidgets: pip install "pypedream[notebook]"' in text
    assert "conda install -c conda-forge ipywidgets" in text
    assert "mine.run(rate=0.1)" in text
    assert "mine.form() needs ipywidgets" in page
    assert "<pre>mine.run(rate=0.1)</pre>" in page
    assert "Traceback" not in done.stdout + done.stderr


def test_a_form_loads_no_widgets_before_it_is_shown(flow):
    """Nor IPython, which is there already where a form can be shown."""
    code = """
        import sys
        from pypedream import Parameters, Pipeline
        form = Pipeline("x", Parameters.define(rate=0.1)).form()
        repr(form), form.values, form.code
        print([name for name in ("IPython", "ipywidgets") if name in sys.modules])
    """

    done = subprocess.run(
        [sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
