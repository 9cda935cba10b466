from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import sleep

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream.errors import StoreError
from pypedream.tabular import FileRules, RuleResult, StatisticsStore, StatRecord, StatScope

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
RULES = FileRules(
    "schools",
    10,
    (RuleResult("not null", "name", 10, 2, ("", "é"), "rejects.csv"), RuleResult("x", None, 0, 0)),
)

records = st.builds(
    StatRecord,
    run_id=st.sampled_from(["ab12c", "de34f"]),
    scope=st.sampled_from([StatScope.FILE, StatScope.STEP]),
    subject=st.sampled_from(["schools", "x", "é'\";"]),
    action=st.sampled_from(["rows", "ms"]),
    value=st.floats(allow_nan=False),
    recorded_at=st.datetimes(timezones=st.just(UTC)),
)


def record(action: str, value: float = 1.0, run: str = "ab12c") -> StatRecord:
    return StatRecord(run, StatScope.RUN, None, action, value, NOW)


@given(st.lists(st.lists(records, max_size=5), max_size=4))
@settings(max_examples=30)
def test_a_store_has_the_last_record_of_each(batches: list[list[StatRecord]]) -> None:
    """As a dict would have it, whatever is written in whatever pieces."""
    expected = {
        (each.run_id, each.scope, each.subject, each.action): each
        for batch in batches
        for each in batch
    }
    with TemporaryDirectory() as folder:
        store = StatisticsStore(folder)
        for batch in batches:
            store.write(batch)
        found, of_one = store.records(), store.records("ab12c")
        store.close()

    assert found == [expected[key] for key in sorted(expected)]
    assert of_one == [each for each in found if each.run_id == "ab12c"]


def test_a_store_is_made_when_there_is_something_to_keep(tmp_path: Path) -> None:
    """Reading and forgetting make nothing."""
    store = StatisticsStore(tmp_path)

    store.write([])
    store.forget("ab12c")

    assert (store.records(), store.rules("ab12c"), store.runs()) == ([], [], {})
    assert list(tmp_path.iterdir()) == []
    assert repr(store) == f"<statistics in {tmp_path / '.astro' / 'stats.db'}>"


def test_a_run_and_its_rules_are_kept(tmp_path: Path) -> None:
    """The name of the pipeline, and what came of the rules of each file."""
    store = StatisticsStore(tmp_path)

    store.begin_run("ab12c", "registers")
    store.write_rules("ab12c", RULES)
    store.write_rules("ab12c", RULES)

    again = StatisticsStore(tmp_path)
    assert again.runs() == {"ab12c": "registers"}
    assert again.rules("ab12c") == [RULES]
    assert again.rules("other") == []


def test_all_that_is_kept_of_a_run_can_be_forgotten(tmp_path: Path) -> None:
    """An ingest that failed leaves no numbers; those of other runs stay."""
    store = StatisticsStore(tmp_path)
    for run in ("ab12c", "de34f"):
        store.begin_run(run, "registers")
        store.write([record("rows", run=run)])
        store.write_rules(run, RULES)

    store.forget("ab12c")

    assert [each.run_id for each in store.records()] == ["de34f"]
    assert (store.rules("ab12c"), store.runs()) == ([], {"de34f": "registers"})


def test_records_are_kept_all_or_none(tmp_path: Path) -> None:
    """One of them cannot be made: the others of the call are not kept either."""
    store = StatisticsStore(tmp_path)

    def some():
        yield record("one")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.write(some())

    assert store.records() == []


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    """It stays as it is."""
    store = StatisticsStore(tmp_path)
    store.path.parent.mkdir()
    store.path.write_bytes(b"no database" * 100)

    with pytest.raises(
        StoreError, match=r"the statistics in .*stats\.db cannot be read or written"
    ):
        store.write([record("rows")])
    with pytest.raises(StoreError, match="not a database"):
        store.records()

    assert store.path.read_bytes() == b"no database" * 100


def test_a_file_of_another_program_keeps_its_tables(tmp_path: Path) -> None:
    """Both can be in one file; reading adds nothing to it."""
    store = StatisticsStore(tmp_path)
    store.path.parent.mkdir()
    theirs = sqlite3.connect(store.path)
    theirs.execute("CREATE TABLE statistics (a)")
    before = store.path.read_bytes()

    assert store.records() == []
    assert store.path.read_bytes() == before
    store.write([record("rows")])

    assert [each.action for each in store.records()] == ["rows"]
    assert theirs.execute("SELECT * FROM statistics").fetchall() == []
    theirs.close()


def test_a_store_can_be_sent_to_another_process(tmp_path: Path) -> None:
    """It opens the file there by itself."""
    store = StatisticsStore(tmp_path)
    store.write([record("rows")])

    assert pickle.loads(pickle.dumps(store)).records() == store.records()


def test_a_store_is_opened_again_after_it_was_closed(tmp_path: Path) -> None:
    """Closing twice does no harm."""
    store = StatisticsStore(tmp_path)
    store.write([record("one")])
    store.close()
    store.close()

    store.write([record("two")])

    assert [each.action for each in store.records()] == ["one", "two"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork there")
def test_a_child_process_has_a_connection_of_its_own(tmp_path: Path) -> None:
    """That of its parent works on."""
    store = StatisticsStore(tmp_path)
    store.write([record("parent")])

    child = os.fork()
    if child == 0:
        store.write([record("child")])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    store.write([record("parent", 2.0)])

    assert [(each.action, each.value) for each in store.records()] == [("child", 1), ("parent", 2)]


def test_threads_share_a_store(tmp_path: Path) -> None:
    """No number gets lost."""
    store = StatisticsStore(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.write([record(f"{number:03}")]), range(200)))

    assert [each.action for each in store.records()] == [f"{number:03}" for number in range(200)]


_CODE = """
import sys
from datetime import UTC, datetime
from pypedream.tabular import StatisticsStore, StatRecord, StatScope
folder, run, count = sys.argv[1:]
store = StatisticsStore(folder)
for number in range(int(count)):
    records = [
        StatRecord(run, StatScope.RUN, None, f"{number:05} {half}", 1, datetime.now(UTC))
        for half in "ab"
    ]
    store.write(records)
    print(number, flush=True)
"""


def _writer(folder: Path, run: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _CODE, str(folder), run, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_share_a_file_that_is_new(tmp_path: Path) -> None:
    """Whoever comes first makes it, and the others wait for their turn."""
    writers = [_writer(tmp_path, f"run-{number}", 50) for number in range(4)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0

    assert len(StatisticsStore(tmp_path).records()) == 4 * 50 * 2


def test_what_was_written_outlives_a_kill(tmp_path: Path) -> None:
    """What a call has written stays, the two records of one call together."""
    random, told = Random(7), 0
    for number in range(6):
        writer = _writer(tmp_path, f"run-{number}", 100_000)
        assert writer.stdout is not None
        writer.stdout.readline()
        sleep(random.uniform(0.0, 0.2))
        writer.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        told = len(writer.communicate(timeout=60)[0].splitlines())

        found = StatisticsStore(tmp_path).records(f"run-{number}")
        halves = [each.action.split()[1] for each in found]
        assert len(found) >= 2 * told
        assert halves == ["a", "b"] * (len(found) // 2)
