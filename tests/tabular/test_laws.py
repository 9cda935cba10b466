"""Whatever happened to a run before: completed, its rows are those of an unbroken one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tabular.tables import ingested, numbers, pipeline_of, statuses, values

pl = pytest.importorskip("polars")

# Each step doubles and adds its own number, so that it matters which were called, how often, and
# in which order; those of both files add what is in the other one.
FILES_OF = {"s1": "a", "s2": "ab", "s3": "b", "s4": "a", "s5": "ab", "s6": "b"}
ENDINGS = st.sampled_from(["well", "well", "fails", "saves and fails", "sets aside", "elsewhere"])
ATTEMPTS = st.tuples(
    st.sets(st.sampled_from(sorted(FILES_OF)), min_size=1),
    st.dictionaries(st.sampled_from(sorted(FILES_OF)), ENDINGS),
    st.sampled_from(["", "", "only", "from_", "until"]),
    st.booleans(),
)
START = {"a": 4, "b": 3}


class NotYetError(Exception):
    pass


def changed(frames, number):
    """What a step makes of its files."""
    more = sum(frame["n"].sum() for frame in frames) if len(frames) > 1 else 0
    return [frame.with_columns(pl.col("n") * 2 + number + more) for frame in frames]


def step_of(key, ending):
    def step(ctx, files):
        before = [file.load() for file in files]
        if ending == "fails":
            raise NotYetError
        if ending == "sets aside":
            ctx.quarantine.quarantine_rows(files[0], before[0].head(1), reason="first")
            before[0] = before[0].slice(1)
        for file, frame in zip(files, changed(before, int(key[1])), strict=True):
            if ending == "elsewhere":
                file.save_to("out", f"{file.name}.parquet", frame)
            else:
                file.save_in_place(frame)
            if ending == "saves and fails":
                raise NotYetError

    return step


def tables(folder, keys, endings, *, is_parallel):
    def configure(self):
        for key in sorted(keys):
            self.add_step(key, step_of(key, endings.get(key, "well")), list(FILES_OF[key]))

    mode = "parallel" if is_parallel else "serial"
    return pipeline_of(folder, configure, ("a", "b"), step_execution_mode=mode)


def unbroken(keys):
    frames = {name: numbers(count) for name, count in START.items()}
    for key in sorted(keys):
        names = list(FILES_OF[key])
        made = changed([frames[name] for name in names], int(key[1]))
        frames.update(zip(names, made, strict=True))
    return {name: frame["n"].to_list() for name, frame in frames.items()}


@pytest.mark.slow
@given(attempts=st.lists(ATTEMPTS, max_size=4), last=ATTEMPTS)
def test_a_completed_run_has_the_rows_of_an_unbroken_one(attempts, last):
    """After steps that failed, set rows aside, were repeated, renamed, added or left out."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        run = ingested(folder, {key: numbers(count) for key, count in START.items()})
        for keys, endings, how, is_parallel in attempts:
            pipeline = tables(folder, keys, endings, is_parallel=is_parallel)
            asked = {how: max(keys)} if how else {}
            with suppress(NotYetError):
                pipeline.run(run_id="ab12c", progress=False, **asked)
        keys, _, _, is_parallel = last
        pipeline = tables(folder, keys, {}, is_parallel=is_parallel)

        pipeline.run(run_id="ab12c", progress=False)

        assert {name: values(pipeline, name) for name in START} == unbroken(keys)
        assert statuses(pipeline) == {**dict.fromkeys(sorted(keys), "complete"), "run": "completed"}
        assert not [path for path in run.rglob("*") if path.name.startswith(".tmp-")]
        assert not (run / "quarantine").is_dir() or not os.listdir(run / "quarantine")
