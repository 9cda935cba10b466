from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.errors import ManifestError
from pypedream.tabular.manifest import (
    FileRows,
    FileState,
    Manifest,
    RunStatus,
    StepState,
    StepStatus,
    read_manifest,
    write_manifest,
)

NAMES = st.text(max_size=8)
COUNTS = st.integers(0, 2**40)
ROWS = st.builds(FileRows, COUNTS, COUNTS, COUNTS, st.dictionaries(NAMES, COUNTS, max_size=2))
MOMENTS = st.none() | st.just("2024-06-01T10:00:00+00:00")
STEPS = st.builds(
    StepState,
    st.sampled_from(StepStatus),
    COUNTS,
    MOMENTS,
    st.none() | st.floats(0, 1e6),
    st.dictionaries(NAMES, ROWS, max_size=2),
    st.dictionaries(NAMES, NAMES, max_size=2),
    st.none() | NAMES,
)
RECORDS = st.dictionaries(NAMES, st.none() | NAMES | COUNTS | st.lists(NAMES), max_size=3)
FILES = st.builds(FileState, RECORDS, NAMES, st.booleans(), st.none() | NAMES)
MANIFESTS = st.builds(
    Manifest,
    st.just("ab12c"),
    NAMES,
    st.dates(),
    NAMES,
    st.sampled_from(RunStatus),
    st.dictionaries(NAMES, FILES, max_size=3),
    st.dictionaries(NAMES, STEPS, max_size=3),
)
SOME = Manifest("ab12c", "register", date(2024, 6, 1), "2024-06-01T10:00:00+00:00")


@given(manifest=MANIFESTS)
def test_a_manifest_is_read_as_it_was_written(tmp_path_factory, manifest):
    """Whatever its names are, and in the same order."""
    folder = tmp_path_factory.mktemp("run")

    write_manifest(manifest, folder)

    assert read_manifest(folder) == manifest
    assert list(read_manifest(folder).steps) == list(manifest.steps)


def test_rows_that_nobody_told_of_were_dropped_by_the_step():
    """All that came in is accounted for; a step that adds rows drops fewer than none."""
    assert FileRows(10, 4, 1, {"no date": 2}).dropped == 3
    assert FileRows(2, 5).dropped == -3


def test_a_manifest_can_be_read_by_people():
    """A line for each file and step."""
    files = {"a": FileState({"row_count": 1200, "rejected_count": 3}, "ingested/a.parquet")}
    steps = {"tidy": StepState(StepStatus.FAILED, error="ValueError: no date")}

    text = str(Manifest("ab12c", "x", date(2024, 6, 1), "", RunStatus.FAILED, files, steps))

    assert text.splitlines() == [
        "run ab12c of x, 2024-06-01: failed",
        "  file a: 1,200 rows came in, 3 rejected",
        "  step tidy: failed (ValueError: no date)",
    ]


def test_a_step_that_is_not_mentioned_is_pending():
    """So a step that is new in the pipeline will be called."""
    assert SOME.step("tidy").status is StepStatus.PENDING


@pytest.mark.parametrize(
    "text, why",
    [
        ("{", "JSONDecodeError"),
        ('{"form": 2}', "a later version of pypedream wrote it"),
        ('{"form": 1}', "KeyError: 'files'"),
        ("[]", "TypeError"),
    ],
    ids=["cut off", "of later", "incomplete", "no mapping"],
)
def test_a_damaged_manifest_is_told_with_its_path(tmp_path, text, why):
    """And with what can be done."""
    Path(tmp_path, "manifest.json").write_text(text)

    with pytest.raises(ManifestError, match=rf"manifest\.json cannot be read: {why}.*delete"):
        read_manifest(tmp_path)
