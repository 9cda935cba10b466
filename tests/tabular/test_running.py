from __future__ import annotations

import asyncio
import json
import math
import os
from threading import Barrier, Event, Thread

import pytest

from pypedream import Parameters, Pipeline, context
from pypedream.errors import (
    Locked,
    MissingRows,
    NoTableRun,
    PathOutsideRun,
    RunCancelled,
    TableRunError,
)
from pypedream.inputs import Input, InputBinding
from pypedream.mappers import KeyedInputMapper
from pypedream.tabular import FILES, AstroFile, CanonicalIdResolver, IngestFileSpec, StepStatus
from pypedream.tabular.running import text_of
from tests.tabular.tables import RUN_DATE, adding, ingested, numbers, pipeline_of, statuses, values

pl = pytest.importorskip("polars")


def steps(*named):
    """Return what registers these steps: (label, function, files, depends_on)."""

    def configure(self):
        for label, function, *rest in named:
            files = rest[0] if rest else ["a"]
            self.add_step(label, function, files, depends_on=rest[1] if len(rest) > 1 else None)

    return configure


def failing(ctx, files):
    files[0].save_in_place(files[0].load().head(0))
    raise RuntimeError("no luck")


def quarantining(ctx, files):
    """Set aside what is 5, and save the others plus ten."""
    frame = files[0].load()
    bad = frame.filter(pl.col("n") == 5)
    if bad.height:
        ctx.quarantine.quarantine_rows(files[0], bad, reason="five")
    files[0].save_in_place(frame.filter(pl.col("n") != 5) + 10)


def test_steps_are_called_in_order_and_the_run_is_completed(tmp_path):
    """What each saved is what the next one gets."""
    ingested(tmp_path, {"a": numbers(3)})
    pipeline = pipeline_of(tmp_path, steps(("one", adding(1)), ("ten", adding(10))))

    run = pipeline.run()

    assert run.state == "ok"
    assert values(pipeline) == [11, 12, 13]
    assert statuses(pipeline) == {"one": "complete", "ten": "complete", "run": "completed"}


@pytest.mark.parametrize("share", ["half", math.nan, [0.5]])
def test_what_is_done_of_a_step_is_a_number(tmp_path, share):
    """Anything else is refused where it is said, and the step can be repeated."""
    ingested(tmp_path, {"a": numbers(3)})
    report = steps(("look", lambda ctx, files: ctx.report_progress(share)))

    with pytest.raises(TypeError, match=r"^report_progress\(\) takes a share from 0 to 1, or None"):
        pipeline_of(tmp_path, report).run()


def test_a_step_knows_its_run(tmp_path):
    """And what it logs and reports is in the log of the run."""
    seen = []

    def look(ctx, files):
        seen.append(ctx)
        ctx.logger.info("%d rows", files[0].row_count())
        ctx.report_progress(0.5)
        ctx.report_progress(None)
        print("hello")

    folder = ingested(tmp_path, {"a": numbers(3)})
    run = pipeline_of(tmp_path, steps(("look", look))).run()

    (ctx,) = seen
    assert (ctx.run_id, ctx.step_id, ctx.run_date) == ("ab12c", "look", RUN_DATE)
    assert (ctx.pipeline_dir, ctx.run_directory) == (tmp_path, folder)
    said = [(one.kind, one.event) for one in run.events if one.stage == "look"]
    assert ("log", "3 rows") in said
    assert ("print", "hello") in said
    assert next(one.data["done"] for one in run.events if one.kind == "progress") == 0.5


def test_arguments_are_bound_by_their_names(tmp_path):
    """Files, the context, parameters and results of other stages."""
    ingested(tmp_path, {"a": numbers(3), "b": numbers(2)})

    def add(b, amount, ctx, a, first):
        a.save_in_place(a.load() + amount + b.row_count() + first)

    pipeline = pipeline_of(
        tmp_path,
        lambda self: self.add_step("add", add),
        ("a", "b"),
        parameters=Parameters.define(amount=100),
    )

    @pipeline.stage
    def first():
        return 1000

    pipeline.run(amount=10)

    assert values(pipeline) == [1012, 1013, 1014]
    assert pipeline.steps[0].file_names == ("b", "a")


def test_a_run_is_completed_when_its_other_stages_are_well(tmp_path):
    """Steps that are done are not called again for them."""
    ingested(tmp_path, {"a": numbers(3)})
    answers = [ValueError("no luck"), None]
    pipeline = pipeline_of(tmp_path, steps(("one", adding(1))))

    @pipeline.stage(after="one")
    def send():
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    with pytest.raises(ValueError, match="no luck"):
        pipeline.run()
    assert statuses(pipeline) == {"one": "complete", "run": "failed"}
    pipeline.run()

    assert statuses(pipeline) == {"one": "complete", "run": "completed"}
    assert values(pipeline) == [1, 2, 3]


def test_a_step_outside_its_own_pipeline_is_refused(tmp_path):
    """It would have no files."""
    other = Pipeline("other")
    other.include(pipeline_of(tmp_path, steps(("one", adding(1)))))

    with pytest.raises(TableRunError, match=r"called by run\(\) of its own pipeline"):
        other.run()


def test_any_stage_may_bind_a_file_of_the_run(tmp_path):
    """It gets the file as it is when it is called."""
    ingested(tmp_path, {"a": numbers(3)})
    pipeline = pipeline_of(tmp_path, steps(("one", adding(1))))
    bound = Input("a", InputBinding.deferred(FILES, mapper=KeyedInputMapper(from_key="a")))

    @pipeline.stage(inputs=[bound], after="one")
    def total(a):
        return a.load()["n"].sum()

    assert pipeline.run()["total"] == 6


def test_a_step_that_failed_is_called_again_with_what_it_began_with(tmp_path):
    """Whatever it had saved; what was done before is not done again."""
    ingested(tmp_path, {"a": numbers(3)})
    one, two = ("one", adding(1)), ("two", adding(10))
    pipeline = pipeline_of(tmp_path, steps(one, ("odd", failing), two))

    with pytest.raises(RuntimeError, match="no luck"):
        pipeline.run()

    assert statuses(pipeline) == {
        "one": "complete",
        "odd": "failed",
        "two": "pending",
        "run": "failed",
    }
    assert pipeline.manifest().steps["odd"].error == "RuntimeError: no luck"
    mended = pipeline_of(tmp_path, steps(one, ("odd", adding(100)), two))
    mended.run()
    assert values(mended) == [111, 112, 113]
    assert statuses(mended)["run"] == "completed"


def test_rows_in_quarantine_block_what_depends_on_the_step(tmp_path):
    """Others go on, also on the same file, and the run has to be gone on with."""
    folder = ingested(tmp_path, {"a": numbers(7), "b": numbers(2)})
    pipeline = pipeline_of(
        tmp_path,
        steps(
            ("check", quarantining),
            ("on a", adding(100)),
            ("needs it", adding(1000), ["b"], ["check"]),
            ("and that", adding(1), ["b"], ["needs-it"]),
            ("alone", adding(5), ["b"]),
        ),
        ("a", "b"),
    )

    run = pipeline.run()

    assert statuses(pipeline) == {
        "check": "quarantined",
        "on-a": "complete",
        "needs-it": "blocked",
        "and-that": "blocked",
        "alone": "complete",
        "run": "failed",
    }
    assert values(pipeline) == [110, 111, 112, 113, 114, 116]
    assert values(pipeline, "b") == [5, 6]
    held = pl.read_parquet(folder / "quarantine" / "check" / "*.parquet")
    assert held.rows() == [(5, "five")]
    rows = pipeline.manifest().steps["check"].files["a"]
    assert (rows.rows_in, rows.rows_out, rows.quarantined, rows.dropped) == (7, 6, {"five": 1}, 0)
    warned = [one.event for one in run.events if one.level == "warning"]
    assert "rows in quarantine: check (1)" in warned[-1]
    assert warned[-1].endswith(
        "; look into .working/ab12c/quarantine, set right what is wrong and run it again"
    )


def test_after_a_retry_rows_are_what_an_unbroken_run_gives(tmp_path):
    """What came after the step on its files is done again, in order, and nothing twice."""
    named = (
        ("check", quarantining),
        ("on a", adding(100)),
        ("both", adding(1000), ["b", "a"], ["check"]),
        ("alone", adding(5), ["b"]),
    )
    folder = ingested(tmp_path, {"a": numbers(7), "b": numbers(2)})
    pipeline = pipeline_of(tmp_path, steps(*named), ("a", "b"))
    pipeline.run()
    pipeline.run()
    mended = pipeline_of(tmp_path, steps(("check", adding(10)), *named[1:]), ("a", "b"))

    mended.run()

    assert values(mended) == [n + 1110 for n in range(7)]
    assert values(mended, "b") == [1005, 1006]
    assert statuses(mended)["run"] == "completed"
    assert not (folder / "quarantine" / "check").exists()


def test_a_quarantine_without_dependents_leaves_the_run_quarantined(tmp_path):
    """So it is the first to be gone on with."""
    ingested(tmp_path, {"a": numbers(7)})
    pipeline = pipeline_of(tmp_path, steps(("check", quarantining)))

    pipeline.run()

    assert statuses(pipeline) == {"check": "quarantined", "run": "quarantined"}
    assert str(pipeline.plan()).count("quarantined in run ab12c") == 1


def test_a_step_may_be_repeated_with_all_that_comes_after_it(tmp_path):
    """Also when the run is completed: the files are put back to what it began with."""
    ingested(tmp_path, {"a": numbers(3)})
    one, ten = ("one", adding(1)), ("ten", adding(10))
    pipeline = pipeline_of(tmp_path, steps(one, ten, ("two", adding(2))))
    pipeline.run()
    with pytest.raises(NoTableRun, match="is completed"):
        pipeline.run()
    assert "is completed, and so are all others" in str(pipeline.plan())

    other = pipeline_of(tmp_path, steps(one, ("ten", adding(20)), ("two", adding(2))))
    other.run(from_="ten")

    assert values(other) == [23, 24, 25]
    other.run(only="two", run_id="ab12c")
    assert values(other) == [23, 24, 25]
    assert statuses(other)["run"] == "completed"


def test_a_repeat_that_stops_while_files_are_put_back_is_gone_on_with(tmp_path):
    """Nobody is told then that the run is completed."""
    folder = ingested(tmp_path, {"a": numbers(3), "b": numbers(3)})
    pipeline = pipeline_of(tmp_path, steps(("one", adding(1), ["a", "b"])), ("a", "b"))
    pipeline.run()
    path = folder / "ingested" / "b.parquet"
    path.rename(tmp_path / "b.parquet")
    path.mkdir()
    with pytest.raises(OSError, match=r"b\.parquet"):
        pipeline.run(run_id="ab12c", from_="one")
    path.rmdir()
    (tmp_path / "b.parquet").rename(path)

    pipeline.run()

    assert (values(pipeline), values(pipeline, "b")) == ([1, 2, 3], [1, 2, 3])
    assert statuses(pipeline) == {"one": "complete", "run": "completed"}


def test_a_step_that_is_not_asked_for_waits(tmp_path):
    """The run is ingested until all is done, and says which steps are left."""
    ingested(tmp_path, {"a": numbers(3)})
    pipeline = pipeline_of(tmp_path, steps(("one", adding(1)), ("ten", adding(10))))

    pipeline.run(until="one")

    left = text_of(pipeline.manifest("ab12c"))
    assert left == "run ab12c is ingested; still to be called: ten"

    assert statuses(pipeline) == {"one": "complete", "ten": "pending", "run": "ingested"}
    pipeline.resume()
    assert values(pipeline) == [11, 12, 13]


def test_resume_goes_on_with_the_run_that_is_meant(tmp_path):
    """The last one here, or the one that is given; never with another."""
    for number in range(3):
        ingested(tmp_path, {"a": numbers(3)}, f"ab{number}2c", number + 1)
    broken = pipeline_of(tmp_path, steps(("odd", failing)), execution_mode="parallel")
    with pytest.raises(RuntimeError, match="no luck"):
        broken.run(run_id="ab02c")
    with pytest.raises(RuntimeError, match="no luck"):
        broken.resume()
    mended = pipeline_of(tmp_path, steps(("odd", adding(1))))

    mended.resume(broken.last_run)
    mended.resume(mended.manifest("ab12c"))
    mended.resume()

    found = [(one.run_id, str(one.status)) for one in mended.runs()]
    assert found == [("ab02c", "completed"), ("ab12c", "completed"), ("ab22c", "completed")]


def test_resume_takes_the_run_that_is_named_though_another_was_the_last_here(tmp_path):
    """As `run` does."""
    for number in range(2):
        ingested(tmp_path, {"a": numbers(3)}, f"ab{number}2c", number + 1)
    broken = pipeline_of(tmp_path, steps(("odd", failing)))

    for run_id in ("ab02c", "ab12c"):
        with pytest.raises(RuntimeError, match="no luck"):
            broken.resume(run_id=run_id)

    assert [str(one.status) for one in broken.runs()] == ["failed", "failed"]


@pytest.mark.parametrize(
    "run, why",
    [
        ("ab12d", 'no run "ab12d" in .*did you mean "ab12c"'),
        ("", 'no run "" in .*there are ab12c'),
        (7, r"resume\(\) takes the id of a run, or what run\(\) returned, not 7"),
    ],
    ids=str,
)
def test_a_run_that_is_not_there_cannot_be_gone_on_with(tmp_path, run, why):
    """Another one is not taken in its place."""
    ingested(tmp_path, {"a": numbers(3)})
    pipeline = pipeline_of(tmp_path, steps(("one", adding(1))))

    with pytest.raises(NoTableRun, match=why):
        pipeline.resume(run)

    assert statuses(pipeline) == {"run": "ingested"}


@pytest.mark.parametrize("now", [["two"], ["new", "two"], ["two", "new"]], ids=str)
def test_what_a_step_did_that_is_gone_is_undone(tmp_path, now):
    """As when it was renamed: nothing is done twice."""
    amounts = {"one": 1, "two": 10, "new": 1}
    ingested(tmp_path, {"a": numbers(3)})
    pipeline_of(tmp_path, steps(("one", adding(1)), ("two", adding(10)))).run()

    other = pipeline_of(tmp_path, steps(*((key, adding(amounts[key])) for key in now)))
    other.run(run_id="ab12c")

    assert values(other) == [n + sum(amounts[key] for key in now) for n in range(3)]
    assert statuses(other) == {**dict.fromkeys(now, "complete"), "run": "completed"}


def test_a_run_is_taken_by_one_at_a_time(tmp_path):
    """The second is refused with the process of the first, and changes nothing."""
    ingested(tmp_path, {"a": numbers(3)})
    begun, go_on = Event(), Event()

    def wait(ctx, files):
        begun.set()
        go_on.wait(30)

    pipeline = pipeline_of(tmp_path, steps(("wait", wait)))
    thread = Thread(target=pipeline.run)
    thread.start()
    begun.wait(30)

    with pytest.raises(Locked, match=f"process {os.getpid()} is at it: run ab12c"):
        pipeline_of(tmp_path, steps(("wait", wait))).run()

    go_on.set()
    thread.join()
    assert statuses(pipeline)["run"] == "completed"


def test_steps_on_one_file_keep_their_order_side_by_side(tmp_path):
    """Those on other files need not wait for each other."""
    meeting = {"b": Event(), "c": Event()}

    def meet(own, other):
        def step(ctx, files):
            meeting[own].set()
            assert meeting[other].wait(30)

        return step

    named = [(f"a{number}", doubling(number)) for number in range(6)]
    ingested(tmp_path, {"a": numbers(3), "b": numbers(1), "c": numbers(1)})
    pipeline = pipeline_of(
        tmp_path,
        steps(*named, ("b", meet("b", "c"), ["b"]), ("c", meet("c", "b"), ["c"])),
        ("a", "b", "c"),
        step_execution_mode="parallel",
        max_parallel_workers=4,
    )

    pipeline.run()

    expected = [0, 1, 2]
    for number in range(6):
        expected = [2 * n + number for n in expected]
    assert values(pipeline) == expected
    assert statuses(pipeline)["run"] == "completed"


def doubling(number):
    def step(ctx, files):
        files[0].save_in_place(files[0].load() * 2 + number)

    return step


def test_steps_over_an_optional_file_that_is_not_there_are_skipped(tmp_path):
    """What depends on them is called."""
    ingested(tmp_path, {"a": numbers(3)})
    specs = [IngestFileSpec("a", "a.csv", None), IngestFileSpec("b", "b", None, optional=True)]
    pipeline = pipeline_of(
        tmp_path,
        steps(("on b", adding(1), ["b"]), ("on a", adding(1), ["a"], ["on-b"])),
        ingest_files=specs,
    )

    pipeline.run()

    assert statuses(pipeline) == {"on-b": "skipped", "on-a": "complete", "run": "completed"}


def test_a_run_without_a_file_that_has_to_be_there_is_refused(tmp_path):
    """As when the pipeline has got another file since."""
    ingested(tmp_path, {"a": numbers(3)})
    pipeline = pipeline_of(tmp_path, steps(("one", adding(1))), ("a", "b"))

    with pytest.raises(TableRunError, match='ingested without "b": ingest again'):
        pipeline.run()


def test_a_step_that_writes_into_its_file_is_refused(tmp_path):
    """What was there is lost, so the run cannot go on."""
    ingested(tmp_path, {"a": numbers(3)})

    def overwrite(ctx, files):
        with open(files[0].active_path, "r+b") as file:
            file.write(b"PAR0")

    pipeline = pipeline_of(tmp_path, steps(("bad", overwrite)))
    with pytest.raises(TableRunError, match='"bad" wrote into the file of "a": save a new version'):
        pipeline.run()

    assert statuses(pipeline) == {"bad": "failed", "run": "failed"}
    with pytest.raises(TableRunError, match=r'step "bad" wrote into "a".*ingest again'):
        pipeline.run()


def test_a_file_that_a_step_wrote_itself_is_safe_from_the_next(tmp_path):
    """It is copied before another step begins with it."""
    ingested(tmp_path, {"a": numbers(3)})

    def write(amount):
        def step(ctx, files):
            frame = files[0].load() + amount
            path = files[0].output_path("out", "own.parquet")
            path.parent.mkdir(exist_ok=True)
            frame.write_parquet(path)
            files[0].set_active_path(path)
            if amount == 10 and not (tmp_path / "mended").exists():
                raise RuntimeError("stop")

        return step

    pipeline = pipeline_of(tmp_path, steps(("one", write(1)), ("ten", write(10))))
    with pytest.raises(RuntimeError, match="stop"):
        pipeline.run()
    (tmp_path / "mended").touch()
    pipeline.run()

    assert values(pipeline) == [11, 12, 13]


@pytest.mark.parametrize("is_inside", [True, False], ids=["in the run", "elsewhere"])
def test_a_step_may_write_into_a_file_while_it_reads_batches_of_it(
    tmp_path, monkeypatch, is_inside
):
    """Whoever wrote it before: what is read and what is kept of it are as it was."""
    monkeypatch.setattr("pypedream.tabular.parquet_files.ROW_GROUP_ROWS", 2)
    ingested(tmp_path, {"a": numbers(5)})
    seen = []

    def save(ctx, files):
        if is_inside:
            files[0].save_to("out", "own.parquet", files[0].load() + 1)
        else:
            (files[0].load() + 1).write_parquet(tmp_path / "own.parquet")
            files[0].set_active_path(tmp_path / "own.parquet")

    def write(ctx, files):
        inside = files[0].output_path("out", "own.parquet")
        path, batches = inside if is_inside else files[0].active_path, files[0].iter_batches(2)
        first = next(batches)
        (files[0].load() * 10).write_parquet(path)
        files[0].set_active_path(path)
        seen.append(pl.concat([first, *batches])["n"].to_list())

    pipeline = pipeline_of(tmp_path, steps(("save", save), ("one", write), ("two", write)))
    pipeline.run()
    pipeline.run(from_="one", run_id="ab12c")

    assert seen == [[1, 2, 3, 4, 5], [10, 20, 30, 40, 50]] * 2
    assert values(pipeline) == [100, 200, 300, 400, 500]


def test_a_frame_that_is_returned_and_not_saved_is_a_mistake(tmp_path):
    """Nothing of it would be left."""
    ingested(tmp_path, {"a": numbers(3)})
    pipeline = pipeline_of(tmp_path, steps(("bad", lambda ctx, files: files[0].load())))

    with pytest.raises(TableRunError, match="returned a frame and saved none"):
        pipeline.run()


def test_two_files_cannot_have_one_path(tmp_path):
    """One of them would be lost."""
    ingested(tmp_path, {"a": numbers(3), "b": numbers(2)})

    def same(ctx, files):
        for file in files:
            file.save_to("out", "same.parquet", file.load())

    pipeline = pipeline_of(tmp_path, steps(("same", same, ["a", "b"])), ("a", "b"))
    with pytest.raises(TableRunError, match='"b" and "a" have one file'):
        pipeline.run()


def test_a_step_saves_nowhere_where_another_file_has_its_rows(tmp_path):
    """Which an earlier step may have saved there."""
    ingested(tmp_path, {"a": numbers(3), "b": numbers(2)})

    def save(ctx, files):
        files[0].save_to("out", "same.parquet", files[0].load())

    def take(ctx, files):
        files[0].set_active_path(ctx.run_directory / "out" / "same.parquet")

    for second in (save, take):
        pipeline = pipeline_of(tmp_path, steps(("a", save), ("b", second, ["b"])), ("a", "b"))
        with pytest.raises(PathOutsideRun, match='"a"'):
            pipeline.run()

    assert values(pipeline) == [0, 1, 2]


def test_a_file_is_not_put_back_to_where_another_one_has_its_rows_since(tmp_path):
    """What is repeated begins with the same rows, and the other file has its own."""
    ingested(tmp_path, {"a": numbers(3), "b": numbers(2)})

    def save(ctx, files):
        files[0].save_to("out", "same.parquet", files[0].load() + 1)

    named = steps(("first", save), ("then", adding(10)), ("other", save, ["b"]))
    pipeline = pipeline_of(tmp_path, named, ("a", "b"))
    pipeline.run()
    pipeline.run(only="then", run_id="ab12c")

    assert values(pipeline) == [11, 12, 13]
    assert values(pipeline, "b") == [1, 2]


def test_steps_side_by_side_cannot_save_to_one_path(tmp_path):
    """Rows of one file are lost then, and whoever goes on is told so."""
    ingested(tmp_path, {"a": numbers(3), "b": numbers(2)})
    together = Barrier(2)

    def save(ctx, files):
        together.wait(30)
        files[0].save_to("out", "same.parquet", files[0].load())
        together.wait(30)

    named = steps(("a", save), ("b", save, ["b"]))
    pipeline = pipeline_of(tmp_path, named, ("a", "b"), step_execution_mode="parallel")
    with pytest.raises(TableRunError, match=r"which are lost: save each file"):
        pipeline.run()

    with pytest.raises(TableRunError, match=r"what the rows were is lost.*ingest again"):
        pipeline.run()


def test_a_file_that_somebody_removed_is_told_with_the_way_back(tmp_path):
    """Which file of which run it is, and which step to repeat if one has left it."""
    folder = ingested(tmp_path, {"a": numbers(3)})
    path = folder / "ingested" / "a.parquet"
    pipeline = pipeline_of(tmp_path, steps(("one", adding(1)), ("two", adding(10))))
    path.rename(tmp_path / "a.parquet")
    with pytest.raises(MissingRows, match=r'^run "ab12c": the file of "a" is gone.*: ingest again'):
        pipeline.run()
    (tmp_path / "a.parquet").rename(path)
    pipeline.run(until="one")
    path.unlink()

    way_back = (
        r'repeat the step that left it, pipeline\.run\(run_id="ab12c", from_="one"\), or ingest'
    )
    with pytest.raises(MissingRows, match=way_back):
        pipeline.run()
    for read in (AstroFile.load, AstroFile.scan, AstroFile.is_large_file):
        with pytest.raises(FileNotFoundError, match=way_back):
            read(pipeline.file("a"))
    with pytest.raises(MissingRows, match=way_back):
        next(pipeline.file("a").iter_batches())

    pipeline.run(run_id="ab12c", from_="one")
    assert values(pipeline) == [11, 12, 13]
    (folder / "snapshots" / "one" / "a.parquet").unlink()
    with pytest.raises(MissingRows, match=r'"a" from before step "one", which is.*; ingest again'):
        pipeline.run(run_id="ab12c", from_="one")


def test_filters_count_what_they_take_out(tmp_path):
    """In the manifest, the statistics and beside the run."""
    folder = ingested(tmp_path, {"a": numbers(6), "b": numbers(2)})

    def configure(self):
        self.add_filter("Large", pl.col("n") > 3, ["a", "b"])
        self.add_filter("Odd", lambda frame: frame.filter(pl.col("n") % 2 == 1), "a")
        self.add_step("after", adding(0), ["b"], depends_on=["large"])

    pipeline = pipeline_of(tmp_path, configure, ("a", "b"))
    run = pipeline.run()

    assert values(pipeline) == [0, 2]
    assert run["large"] == {"a": 2, "b": 0}
    assert pl.read_parquet(folder / "filtered" / "large" / "a.parquet")["n"].to_list() == [4, 5]
    rows = pipeline.manifest().steps["odd"].files["a"]
    assert (rows.rows_in, rows.filtered, rows.rows_out, rows.dropped) == (4, 2, 2, 0)
    assert statuses(pipeline)["after"] == "complete"


def test_steps_that_change_nothing_take_no_space(tmp_path):
    """What is kept of each file before each step is another name of it."""
    folder = ingested(tmp_path, {"a": numbers(100_000)})
    named = [(f"s{number}", lambda ctx, files: None) for number in range(10)]

    pipeline_of(tmp_path, steps(*named)).run()

    paths = list(folder.rglob("*.parquet"))
    assert len(paths) == 11
    assert len({path.stat().st_ino for path in paths}) == 1


def test_ctrl_c_in_a_step_is_written_down(tmp_path):
    """The step failed, and is called again."""
    ingested(tmp_path, {"a": numbers(3)})

    def stop(ctx, files):
        files[0].save_in_place(files[0].load() + 1)
        raise KeyboardInterrupt

    pipeline = pipeline_of(tmp_path, steps(("stop", stop)))
    with pytest.raises(KeyboardInterrupt):
        pipeline.run()

    assert pipeline.manifest().steps["stop"].status is StepStatus.FAILED
    other = pipeline_of(tmp_path, steps(("stop", adding(5))))
    other.run()
    assert values(other) == [5, 6, 7]


def test_identities_are_kept_when_the_run_is_completed(tmp_path):
    """Until then each attempt says the same of a row, and no store is changed."""
    ingested(tmp_path, {"a": pl.DataFrame({"id": ["x", "y"], "n": [1, 2]})})
    seen = []

    def resolve(ctx, files):
        resolver = CanonicalIdResolver(ctx.pipeline_dir, "things", {"all": "*all"})
        found = resolver.resolve(
            files[0].load(), source_key_column="id", namespace="t", run_date=ctx.run_date
        )
        seen.append(found["status"].to_list())

    one = ("resolve", resolve)
    with pytest.raises(RuntimeError, match="no luck"):
        pipeline_of(tmp_path, steps(one, ("odd", failing))).run()
    store = tmp_path / ".persistent" / "things.parquet"
    assert not store.exists()
    pipeline_of(tmp_path, steps(one)).run(from_="resolve")

    assert store.exists()
    assert seen == [["NEW", "NEW"]] * 2
    ingested(tmp_path, {"a": pl.DataFrame({"id": ["x", "z"], "n": [1, 3]})}, "zz99z", day=2)
    pipeline_of(tmp_path, steps(one)).run()
    assert seen[-1] == ["UNCHANGED", "NEW"]


def test_what_is_known_of_every_step_is_in_the_statistics(tmp_path):
    """One number for each, however often the step is called."""
    ingested(tmp_path, {"a": numbers(7)})

    def configure(self):
        self.add_filter("Small", pl.col("n") < 2, "a")
        self.add_filter("Two", pl.col("n") == 2, "a")
        self.add_step("check", quarantining, ["a"])

    pipeline = pipeline_of(tmp_path, configure)
    pipeline.run()
    pipeline.run()

    found = {(str(one.scope), one.subject, one.action): one.value for one in pipeline.statistics()}
    times = [key for key in found if key[2] == "duration_ms"]
    assert {key: value for key, value in found.items() if key not in times} == {
        ("file", "a", "rows_filtered"): 3,
        ("file", "a", "rows_kept"): 4,
        ("run", None, "steps_completed"): 2,
        ("run", None, "steps_quarantined"): 1,
        ("step", "check", "rows_filtered"): 0,
        ("step", "check", "rows_quarantined"): 1,
        ("step", "small", "rows_filtered"): 2,
        ("step", "small", "rows_quarantined"): 0,
        ("step", "two", "rows_filtered"): 1,
        ("step", "two", "rows_quarantined"): 0,
    }
    assert times == [
        ("run", None, "duration_ms"),
        ("step", "check", "duration_ms"),
        ("step", "small", "duration_ms"),
        ("step", "two", "duration_ms"),
    ]


def test_a_number_is_noted_of_a_file_that_there_is(tmp_path):
    """Another name is told with the nearest, and with what a file is told by."""
    ingested(tmp_path, {"schools": numbers(1)})

    def note(ctx, files):
        ctx.stats.record_file("schools", "closed", 1)
        with pytest.raises(
            ValueError, match=r'no file "school" to note "closed" of; did .*"schools"'
        ):
            ctx.stats.record_file("school", "closed", 1)
        with pytest.raises(ValueError, match="there is only schools"):
            ctx.stats.record_file(files[0], "closed", 1)

    pipeline = pipeline_of(tmp_path, steps(("note", note, ["schools"])), ("schools",))
    pipeline.run()

    assert [one.value for one in pipeline.statistics() if one.action == "closed"] == [1]


def test_a_run_may_go_on_in_a_thread_or_be_awaited(tmp_path):
    """With ``start`` and ``arun``, which take the run as ``run`` does."""
    ingested(tmp_path, {"a": numbers(3)})
    pipeline = pipeline_of(tmp_path, steps(("one", adding(1)), ("ten", adding(10))))

    pipeline.start(only="one", progress=False).wait()
    assert statuses(pipeline) == {"one": "complete", "ten": "pending", "run": "ingested"}
    asyncio.run(pipeline.arun(run_id="ab12c"))

    assert values(pipeline) == [11, 12, 13]
    assert statuses(pipeline)["run"] == "completed"


def test_a_run_that_is_cancelled_goes_on_with_what_was_not_begun(tmp_path):
    """What was under way is finished and counts."""
    ingested(tmp_path, {"a": numbers(3)})
    named = (("one", adding(1)), ("stop", cancel), ("ten", adding(10)))
    pipeline = pipeline_of(tmp_path, steps(*named))

    with pytest.raises(RunCancelled):
        pipeline.run()

    assert statuses(pipeline) == {
        "one": "complete",
        "stop": "complete",
        "ten": "pending",
        "run": "ingested",
    }
    pipeline.run()
    assert values(pipeline) == [11, 12, 13]


def cancel(ctx, files):
    context.RUN.get().cancel()


def test_a_run_does_not_depend_on_where_it_is_recorded(tmp_path):
    """With a workspace there is a record as well, and steps are the same."""
    ingested(tmp_path, {"a": numbers(3)})
    pipeline = pipeline_of(tmp_path, steps(("one", adding(1)), ("odd", failing)))
    with pytest.raises(RuntimeError, match="no luck"):
        pipeline.run(workspace=tmp_path / "records", cache="cached")
    mended = pipeline_of(tmp_path, steps(("one", adding(1)), ("odd", adding(10))))

    run = mended.resume(workspace=tmp_path / "records", cache="cached")

    assert run.stages["one"].state == "reused"
    assert values(mended) == [11, 12, 13]


def test_a_manifest_is_json_that_others_can_read(tmp_path):
    """With paths from the folder of the run."""
    folder = ingested(tmp_path, {"a": numbers(3)})
    pipeline_of(tmp_path, steps(("one", adding(1)))).run()

    data = json.loads((folder / "manifest.json").read_text())

    assert data["files"]["a"]["active_path"] == "ingested/a.parquet"
    assert data["steps"]["one"]["files"]["a"]["rows_out"] == 3


def test_a_step_saves_nowhere_where_a_run_keeps_its_own(tmp_path):
    """Whatever a run writes beside its files."""
    folder = ingested(tmp_path, {"a": pl.DataFrame({"n": [1, 5], "m": [1, 2]})})

    def resolve(ctx, files):
        key = {"source_key_column": "n", "namespace": "t", "run_date": ctx.run_date}
        CanonicalIdResolver(ctx.pipeline_dir, "ids", {"all": "*all"}).resolve(
            files[0].load(), **key
        )
        quarantining(ctx, files)

    def configure(self):
        self.add_filter("Never", pl.col("n") > 9, ["a"])
        self.add_step("resolve", resolve, ["a"])

    pipeline = pipeline_of(tmp_path, configure)
    pipeline.run()

    own = {path.name for path in folder.iterdir()}
    assert own > {"astro.log", "filtered", "identities", "quarantine", "snapshots"}
    for name in own:
        with pytest.raises(PathOutsideRun, match="pypedream keeps its own there"):
            pipeline.file("a").output_path(name, "x.parquet")
