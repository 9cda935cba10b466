from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("polars")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL")

from tests.tabular.kills import killed_and_resumed, outcome, unbroken  # noqa: E402


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["serial", "parallel"])
def test_a_run_that_is_killed_goes_on_to_what_an_unbroken_one_gives(tmp_path, mode):
    """At whatever moment: rows of all files, and those that filters took out."""
    unbroken(tmp_path / "unbroken")

    killed = killed_and_resumed(Path(tmp_path, mode), 4, seed=1)

    assert killed
    for one, other in zip(outcome(tmp_path / mode), outcome(tmp_path / "unbroken"), strict=True):
        assert one.equals(other)
