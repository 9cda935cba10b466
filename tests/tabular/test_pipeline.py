from __future__ import annotations

import pytest

from pypedream.errors import DefinitionError, PipelineClassError
from pypedream.tabular import AstroFileSpec, IngestFileSpec, Pipeline, StepKind
from tests.tabular.tables import adding, ingested, numbers, pipeline_of

pl = pytest.importorskip("polars")


SPEC = IngestFileSpec("a", "a.csv", None)


class A(AstroFileSpec):
    ingest_name = "a"


class NoName(AstroFileSpec):
    pass


def one_step(self):
    self.add_step("Add one", adding(1), ["a"])


def nothing(ctx, files):
    pass


async def later(ctx, files):
    pass


def yielding(ctx, files):
    yield


@pytest.mark.parametrize(
    "body, why",
    [
        ({}, "ingest_files= is a list of one IngestFileSpec or more"),
        ({"ingest_files": []}, "ingest_files= is a list of one"),
        ({"ingest_files": ["a.csv"]}, "holds 'a.csv', which is no IngestFileSpec"),
        (
            {"ingest_files": [IngestFileSpec("a", "x", None), IngestFileSpec("A", "y", None)]},
            'two of ingest_files= are called "A"',
        ),
        ({"execution_mode": "both"}, """execution_mode='both' is not "serial" or "parallel"."""),
        ({"run_batch_size": 0}, "run_batch_size=0 is not a whole number from 1 up"),
        ({"max_parallel_workers": True}, "max_parallel_workers=True is not"),
        ({"executon_mode": "parallel"}, 'it has "executon_mode"; did you mean "execution_mode"'),
    ],
)
def test_a_class_that_cannot_be_is_refused_when_it_is_made(body, why):
    """With the line of the user's; it is a TypeError, too."""
    with pytest.raises(TypeError, match=rf"class Bad: .*{why}.*test_pipeline\.py") as refused:
        type("Bad", (Pipeline,), {"configure_steps": one_step, **body})

    assert isinstance(refused.value, PipelineClassError)


def test_all_mistakes_of_a_class_are_told_at_once():
    """One a line."""
    body = {"configure_steps": one_step, "ingest_files": [], "ingest_batch_size": -1}

    with pytest.raises(PipelineClassError) as refused:
        type("Bad", (Pipeline,), body)

    assert len(str(refused.value).splitlines()) == 2


def test_a_class_between_says_nothing_of_files():
    """Those that derive from it do."""

    class Between(Pipeline):
        run_batch_size = 10

    assert Between.run_batch_size == 10


def test_a_pipeline_has_a_step(tmp_path):
    """Otherwise it could do nothing."""
    with pytest.raises(ValueError, match=r"has no step: call self.add_step"):
        pipeline_of(tmp_path, lambda self: None)


@pytest.mark.parametrize(
    "step, why",
    [
        (("", nothing, ["a"]), "a step has a label, not ''"),
        (("Add one", nothing, ["a"]), '"Add one" has the id "add-one" already'),
        (("x", nothing, []), "files= is empty"),
        (("x", nothing, ["b"]), 'there is no file "b" in ingest_files: there is only a'),
        (("x", nothing, [NoName]), "which has no ingest_name"),
        (("x", nothing, [A, "a"]), 'files= names "a" twice'),
        (("x", nothing), "no argument is called after a file: there is only a"),
        (("x", 3, ["a"]), "it takes a function, not 3"),
        (("x", pl.col("n") > 1, ["a"]), "it takes a function, not an expression: add_filter takes"),
        (("x", nothing, [SPEC]), 'holds the IngestFileSpec of "a": write "a"'),
        (("x" * 201, nothing, ["a"]), "its id has 201 letters, and 200 are the most"),
        (("x", later, ["a"]), "async or yields"),
        (("x", yielding, ["a"]), "async or yields"),
        (("x", lambda a: None, ["a"]), "called with ctx and files, and .* takes a "),
        (("x", lambda: None, ["a"]), "called with ctx and files, and .* takes nothing"),
        (("x", lambda ctx, files, *, b: None, ["a"]), "takes ctx, files, b"),
        (("x", nothing, 5), "files=5 is no list"),
    ],
)
def test_a_step_that_cannot_be_is_refused_at_its_line(tmp_path, step, why):
    """And is not registered."""
    pipeline = pipeline_of(tmp_path, one_step)

    with pytest.raises(DefinitionError, match=rf"{why}.*\(.*test_pipeline\.py"):
        pipeline.add_step(*step)

    assert [each.step_id for each in pipeline.steps] == ["add-one"]
    assert list(pipeline.stages) == ["add-one"]


def test_a_filter_takes_one_frame(tmp_path):
    """What takes more or less is refused before anything is called; defaults are no hindrance."""
    pipeline = pipeline_of(tmp_path, one_step)

    with pytest.raises(DefinitionError, match=r"called with the frame, and .* takes ctx, files"):
        pipeline.add_filter("x", nothing, ["a"])
    pipeline.add_filter("y", lambda frame, least=3: frame, ["a"])

    assert [each.step_id for each in pipeline.steps] == ["add-one", "y"]


@pytest.mark.parametrize(
    "named, why",
    [
        ({"depends_on": ["add-on"]}, 'which is no step before it; did you mean "add-one"'),
        ({"depends_on": ["x"]}, "it depends on itself"),
        ({"depends_on": 5}, "depends_on=5 is no list"),
        ({"step_id": "../x"}, "has other letters than"),
        ({"step_id": "Add-One"}, 'has the id "Add-One" already'),
        ({"kind": "sieve"}, "is not StepKind.STEP or StepKind.FILTER"),
    ],
)
def test_what_a_step_says_of_itself_is_checked(tmp_path, named, why):
    """So a cycle cannot be: a step depends only on those before it."""
    pipeline = pipeline_of(tmp_path, one_step)

    with pytest.raises(DefinitionError, match=why):
        pipeline.add_step("x", nothing, ["a"], **named)


def test_steps_are_stages_with_all_that_is_known_of_them(tmp_path):
    """So whatever shows, runs or exports a pipeline can do it with these."""

    def configure(self):
        self.add_step("Add one", adding(1), A)
        self.add_filter("Odd", pl.col("n") % 2 == 1, ["a"], step_id="odd")
        self.add_step("Both", nothing, ["b", A], depends_on=["add-one"])

    pipeline = pipeline_of(tmp_path, configure, ("a", "b"))

    assert [(step.step_id, step.label, step.kind) for step in pipeline.steps] == [
        ("add-one", "Add one", StepKind.STEP),
        ("odd", "Odd", StepKind.FILTER),
        ("both", "Both", StepKind.STEP),
    ]
    policies = {key: stage.policy for key, stage in pipeline.stages.items()}
    assert policies["both"].uses == ("file:b", "file:a")
    assert policies["both"].after == ("add-one", "odd")
    assert policies["odd"].after == ("add-one",)
    assert [each.as_arg for each in pipeline.stages["odd"].inputs] == ["ctx", "files"]
    assert "odd" in str(pipeline.plan())


def test_a_path_is_not_run(tmp_path):
    """The message says what to call."""
    pipeline = pipeline_of(tmp_path, one_step)

    for path in ("data", tmp_path):
        with pytest.raises(NotImplementedError, match=r"pipeline\.ingest\(.*pipeline\.run\(\)"):
            pipeline.run(path)


def test_the_folder_of_a_pipeline_is_that_of_its_file():
    """Its runs are there, from wherever it is called."""
    body = {"ingest_files": [IngestFileSpec("a", "a.csv", None)], "configure_steps": one_step}

    pipeline = type("Tables", (Pipeline,), body)()

    assert str(pipeline.pipeline_dir) == __file__.rpartition("/")[0]


def test_sweeps_and_remote_executors_are_refused(tmp_path):
    """Steps change the files of one run, in its process."""
    ingested(tmp_path, {"a": numbers()})
    pipeline = pipeline_of(tmp_path, one_step)

    with pytest.raises(NotImplementedError, match="ingest once for each"):
        pipeline.map_runs([{}])
    with pytest.raises(DefinitionError, match='has to be "serial" or "threads"'):
        pipeline.run(executor="processes")
