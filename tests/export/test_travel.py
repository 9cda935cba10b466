"""All that stands against running a pipeline elsewhere, and what will be different there."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from pypedream import Pipeline
from pypedream.errors import ExportError
from pypedream.export.target import mismatch
from pypedream.export.travel import check

from .conftest import HEAD, in_cells


@pytest.fixture
def journey(importable, tmp_path):
    """Check the pipeline ``flow`` of a module with this text."""
    numbers = iter(range(100))

    def checked(text: str, **how):
        name = f"travel_case_{next(numbers)}"
        module = importable(f"{name}.py", HEAD + dedent(text))
        found = check(module.flow, **{"paths": [tmp_path], "store": "s3://bucket/co2", **how})
        if found.fingerprint:  # what tasks compare
            assert mismatch(found.fingerprint, module.flow, found.varies) == ""
        return found

    return checked


def said(problems) -> list[str]:
    return [str(each) for each in problems]


def test_nothing_stands_against_a_pipeline_of_a_module(journey):
    """It gets its target, its parameters and its fingerprint."""
    found = journey(
        """
        flow = Pipeline("co2", Parameters.define(n=3))
        @flow.stage
        def load(n) -> list[int]:
            return [n]
        @flow.stage
        def total(load) -> int:
            return sum(load)
        """
    )

    assert (found.reasons, found.warnings) == ([], [])
    assert found.target == "travel_case_0:flow"
    assert found.params["n"].default == 3
    assert found.fingerprint.startswith("plan ")
    found.insist("co2")


def test_lambdas_closures_and_partials_of_a_module_travel(journey):
    """The real objects are imported, whatever they are."""
    found = journey(
        """
        from functools import partial
        def times(k):
            def scaled(load):
                return k * load
            return scaled
        flow = Pipeline("co2", Parameters.define(n=3))
        flow.stage(lambda n: n, name="load")
        flow.stage(times(3), name="scaled")
        flow.stage(partial(max, 5), name="most", inputs=[])
        """
    )

    assert found.reasons == []


def test_mistakes_of_the_pipeline_itself_are_reasons(journey):
    """They are named as a plan names them."""
    found = journey("flow = Pipeline('co2')\n@flow.stage\ndef total(lod): return lod\n")

    assert 'argument "lod"' in str(found.reasons[0])
    assert found.fingerprint == ""


def test_all_reasons_are_raised_at_once(journey):
    """One line for each, with its place."""
    found = journey(
        """
        flow = Pipeline("co2", Parameters.define(n=Parameter(int), span=timedelta(1)))
        @flow.stage
        def load(n, span):
            return n
        """,
        schedule="@daily",
    )

    with pytest.raises(ExportError) as caught:
        found.insist("co2")
    first, *reasons = str(caught.value).splitlines()
    assert first == 'pipeline "co2" cannot run in Airflow as it is:'
    assert len(reasons) == 2
    assert 'parameter "span": its default' in reasons[0]
    assert 'parameter "n" has to be set' in reasons[1]
    assert reasons[1].endswith(".py:7)")


def test_a_required_parameter_is_refused_only_with_a_schedule(journey):
    """Without one, whoever starts the run sets it; a secret is set by the environment."""
    text = """
        token = Parameter(str, secret=True)
        flow = Pipeline("co2", Parameters.define(n=Parameter(int), token=token))
        @flow.stage
        def load(n, token):
            return n
        """

    by_hand, by_clock = journey(text), journey(text, schedule="0 6 * * *")

    assert by_hand.reasons == []
    assert said(by_hand.warnings) == [
        'parameter "token" is secret and in no file: set PYPEDREAM_PARAM_TOKEN where the tasks run'
    ]
    (reason,) = said(by_clock.reasons)
    assert reason.startswith('parameter "n" has to be set, and nobody is there to set it')


# Where it is


def test_functions_of_a_notebook_are_listed_by_stage_and_cell(tmp_path):
    """First the pipeline with both ways out, then each function."""
    pytest.importorskip("IPython")

    shown = in_cells(
        tmp_path,
        [
            "from pypedream import Pipeline\nflow = Pipeline('co2')",
            "@flow.stage\ndef load():\n    return 1\nflow.stage(lambda load: load, name='twice')",
            (
                "from pypedream.export.travel import check\n"
                "for each in check(flow).reasons: print(each)"
            ),
        ],
    ).splitlines()

    assert shown[-3].startswith('pipeline "co2" is defined in a notebook or at a prompt')
    assert shown[-2:] == [
        'stage "load": load is defined in this session (Cell In[2], line 1)',
        'stage "twice": its function is defined in this session (Cell In[2], line 4)',
    ]


def test_a_pipeline_of_a_local_scope_is_refused_with_what_it_closes_over():
    """Nothing can import it; a function of a module that makes it could be named."""

    def build(k):
        flow = Pipeline("local")

        @flow.stage
        def scaled():
            return k

        return flow

    first, second = said(check(build(3)).reasons)

    assert first.startswith('pipeline "local" has no name at the top of a module')
    assert "name the function that makes it: module:function()" in first
    assert second.startswith('stage "scaled": scaled is nested in')
    assert " and closes over k " in second


def test_a_function_that_makes_the_pipeline_can_be_the_target(journey, importable, tmp_path):
    """The fresh interpreter calls it, too."""
    importable(
        "travel_maker.py",
        HEAD
        + dedent(
            """
            def build(k=3):
                flow = Pipeline("made")
                @flow.stage
                def scaled():
                    return k
                return flow
            """
        ),
    )
    made = sys.modules["travel_maker"].build()

    assert check(made, "travel_maker:build()", paths=[tmp_path]).reasons == []


def test_a_module_that_is_found_only_here_is_refused_with_its_folder(importable, tmp_path):
    """The way out names the folder that it is in."""
    module = importable(
        "travel_lost.py", HEAD + "flow = Pipeline('co2')\nflow.stage(int, name='a')"
    )

    (reason,) = said(check(module.flow, paths=[tmp_path / "dags"]).reasons)

    assert reason.startswith("module travel_lost is neither in ")
    assert f"it is in {tmp_path} here: give --project-root {tmp_path}, or install it" in reason


def test_another_module_that_is_found_only_here_is_named(importable, tmp_path):
    """With the line that imports it."""
    (tmp_path / "deep").mkdir()
    importable("travel_rates.py", "RATE = 1")
    text = "import travel_rates\nfrom pypedream import Pipeline\nflow = Pipeline('co2')\n"
    module = importable("deep/travel_flow.py", text + "flow.stage(lambda: 1, name='a')\n")

    (reason,) = said(check(module.flow, paths=[tmp_path / "deep"]).reasons)

    assert reason.startswith("travel_flow:flow cannot be imported: module travel_rates is neither")
    assert f"it is in {tmp_path} here" in reason
    assert reason.endswith("travel_flow.py:1)")


def test_a_file_of_the_current_folder_is_refused_with_its_line(importable, tmp_path, monkeypatch):
    """The way out is to find it by the module's own place."""
    (tmp_path / "rows.csv").touch()
    monkeypatch.chdir(tmp_path)
    text = (
        HEAD + "open('rows.csv').close()\nflow = Pipeline('co2')\nflow.stage(lambda: 1, name='a')"
    )
    module = importable("travel_reads.py", text)

    (reason,) = said(check(module.flow, paths=[tmp_path]).reasons)

    assert reason.startswith("travel_reads:flow cannot be imported in a fresh interpreter: FileNot")
    assert "find files by Path(__file__).parent" in reason
    assert reason.endswith("(travel_reads.py:6)")


@pytest.mark.parametrize(
    "file, why",
    [
        ("travel_hidden.py", "is the module of the pipeline itself: write to "),
        ("travel_used.py", "would hide the module travel_used, which travel_hidden:flow needs"),
        ("json.py", "would hide the module json, which travel_hidden:flow needs"),
    ],
)
def test_a_file_that_would_hide_a_module_is_refused(importable, tmp_path, file, why):
    """The folder of the file is imported from before all others."""
    importable("travel_used.py", "RATE = 1")
    text = (
        HEAD + "import json, travel_used\nflow = Pipeline('co2')\nflow.stage(lambda: 1, name='a')"
    )
    module = importable("travel_hidden.py", text)

    reasons = said(check(module.flow, file=tmp_path / file).reasons)

    assert why in reasons[0]
    assert file.replace(".py", "_dag.py") in reasons[0]


def test_a_stage_that_was_added_elsewhere_is_refused(importable, tmp_path):
    """The fresh interpreter does not have it."""
    module = importable(
        "travel_more.py", HEAD + "flow = Pipeline('co2')\nflow.stage(lambda: 1, name='a')"
    )
    module.flow.stage(lambda a: a, name="more")

    (reason,) = said(check(module.flow, paths=[tmp_path]).reasons)

    assert reason.startswith('stage "more" is not in travel_more:flow: add it in the module itself')


EDITS = {
    "a stage": ("return n", "return n + 1", "function load is another one in {0} as it is now"),
    "a constant": ("RATE = 1", "RATE = 2", "constant RATE is another one in {0} as it is now"),
    "a parameter": ("n=3", "n=4", 'parameter "n" is another one in {0}'),
    "a policy": ("retries=1", "retries=2", 'stage "load" is another one in {0}'),
    "an argument": ("immediate(1", "immediate(2", 'argument "by" of stage "load" is another one'),
    "a variable": ("seen=0", "seen=1", 'variable "seen" is another one in {0}'),
    "a stage less": ("@flow.stage\ndef last", "def last", 'stage "last" is not in {0}'),
}


@pytest.mark.parametrize("old, new, why", EDITS.values(), ids=EDITS)
def test_a_file_that_was_edited_after_it_was_imported_is_refused(
    importable, tmp_path, old, new, why
):
    """What runs elsewhere would not be what is here."""
    text = HEAD + dedent(
        """
        RATE = 1
        CACHE = {}
        count = 0
        flow = Pipeline("co2", Parameters.define(n=3), variables=Variables.define(seen=0))
        @flow.stage(inputs=[immediate(1, "by")], retries=1)
        def load(n, by):
            global count
            count += 1
            CACHE[n] = RATE
            return n
        @flow.stage
        def last():
            return 1
        """
    )
    module = importable("travel_edited.py", text)
    module.CACHE[1] = module.count = 2  # as a run leaves it

    (tmp_path / "travel_edited.py").write_text(text.replace(old, new), encoding="utf-8")

    (reason,) = said(check(module.flow, paths=[tmp_path]).reasons)
    assert reason.startswith(why.format("travel_edited:flow"))


def test_executors_that_are_objects_are_refused(journey):
    """They are there only in the session; a name is only not used."""
    found = journey(
        """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(1)
        flow = Pipeline("co2", executor=pool)
        @flow.stage(executor=pool)
        def load():
            return 1
        """
    )

    first, second = said(found.reasons)
    assert first.startswith("executor= is an object of type ThreadPoolExecutor, which is only here")
    assert second.startswith('stage "load": executor= is an object of type ThreadPoolExecutor')


def test_what_varies_is_warned_of_and_told(journey):
    """Stages of one run may see different days."""
    found = journey(
        """
        TODAY = date.today()
        flow = Pipeline("co2", Parameters.define(day=date.today()))
        @flow.stage(inputs=[immediate(date.today(), "now")])
        def load(day, now):
            return day, TODAY
        """
    )

    assert set(found.varies) == {"load.now", "day"}
    assert found.params["day"].varies
    third, first, second = said(found.warnings)
    assert third.startswith("constant TODAY is another value in each task")
    assert first.startswith('argument "now" of stage "load" is another value in each task')
    assert second.startswith('the default of parameter "day" is another value in each task')
    assert "context.RUN.get().started_at" in second


def test_a_place_beside_the_module_is_taken_from_each_machine(journey):
    """No folder of this one is written; what the user wrote out stays."""
    found = journey(
        """
        from pathlib import Path
        rows = Path(__file__).parent / "data" / "rows.csv"
        paths = dict(rows=rows, text=str(rows), fixed=Path("/srv/rows"))
        flow = Pipeline("co2", Parameters.define(**paths))
        @flow.stage
        def load(rows):
            return str(rows)
        """
    )

    assert found.varies == ("rows", "text")
    assert [found.params[name].varies for name in ("rows", "text", "fixed")] == [True, True, False]
    assert found.params["fixed"].default == "/srv/rows"
    assert said(found.warnings)[0].startswith(
        'the default of parameter "rows" is a place on this machine: each task takes its own'
    )


def test_looking_writes_nothing(importable, tmp_path):
    """Whatever is found."""
    module = importable(
        "travel_quiet.py", HEAD + "flow = Pipeline('co2')\nflow.stage(lambda: 1, name='a')"
    )
    before = {*tmp_path.rglob("*")}

    check(module.flow, file=tmp_path / "travel_quiet.py")
    check(module.flow, file=tmp_path / "co2_dag.py")

    assert {*tmp_path.rglob("*")} == before
