from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from pypedream.tabular.cleanup import remove_runs, runs_to_remove
from tests.tabular.tables import ingested, numbers

CLEANERS = 3


def test_others_may_remove_the_same_runs_at_the_same_time(tmp_path):
    """All are gone then, and nobody is told of what he did not find any more."""
    for number in range(4):
        folder = ingested(tmp_path, {"a": numbers(3)}, f"ab{number}2c")
        for part in range(30):
            (folder / f"part{part}").mkdir()
            (folder / f"part{part}" / "x.txt").touch()
    together = Barrier(CLEANERS)

    def clean(_):
        together.wait(30)
        return [why for _, why in remove_runs(runs_to_remove(tmp_path, is_all=True)) if why]

    with ThreadPoolExecutor(CLEANERS) as cleaners:
        stayed = list(cleaners.map(clean, range(CLEANERS)))

    assert list((tmp_path / ".working").iterdir()) == []
    assert all("is at it: remove run" in why for found in stayed for why in found)
