from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import polars as pl
import pytest
from structlog.testing import capture_logs

from pypedream.errors import StoreError
from pypedream.tabular import CanonicalIdResolver, identity_store
from pypedream.tabular.identities import Identities
from pypedream.tabular.identity_store import read_identities, write_identities
from pypedream.tabular.locking import held

HERE = Path(__file__).parent
DAY = date(2026, 1, 5)
ROWS = pl.DataFrame(
    {
        "key": ["1", "2", "3", "4"],
        "name": ["Leeds\x1f", None, "Ünï", ""],
        "score": [0.1, 1e22, None, -2.0],
        "opened": [date(2001, 1, 2), None, date(1900, 1, 1), None],
        "is_open": [True, False, None, True],
    }
)


def resolver(folder: Path) -> CanonicalIdResolver:
    return CanonicalIdResolver(folder, "rows", {"all": "*all", "name": ["name"]})


def resolve(folder: Path, data: pl.DataFrame = ROWS, day: date = DAY) -> pl.DataFrame:
    return resolver(folder).resolve(data, source_key_column="key", namespace="n", run_date=day)


@pytest.mark.parametrize("version", ["1.30.0", "2.1.0"])
def test_a_store_of_any_polars_says_unchanged(tmp_path: Path, version: str) -> None:
    """What was written with another version, years ago, is read and compared in the same way."""
    path = resolver(tmp_path).store_path
    path.parent.mkdir()
    path.write_bytes((HERE / "stores" / f"polars-{version}.parquet").read_bytes())
    before = pl.read_parquet(path)

    found = resolve(tmp_path, day=date(2030, 1, 1))

    assert found["status"].to_list() == ["UNCHANGED"] * 4
    assert found["canonical_id"].to_list() == before["canonical_id"].to_list()


def test_a_store_of_another_program_is_taken_over(tmp_path: Path) -> None:
    """Ids and days stay; its digests say nothing here, and changes count from now on."""
    path = resolver(tmp_path).store_path
    path.parent.mkdir()
    theirs = {
        "source_key": ["n:1", "n:2"],
        "canonical_id": ["id of 1", "id of 2"],
        "last_changed_date": [DAY, DAY],
        "update_dates": [[DAY], [DAY]],
        "all_hash": ["0123", "4567"],
    }
    pl.DataFrame(theirs).write_parquet(path)

    first = resolve(tmp_path, day=date(2026, 2, 2))
    second = resolve(tmp_path, ROWS.with_columns(name=pl.lit("x")), date(2026, 3, 2))

    assert first["status"].to_list() == ["UNCHANGED", "UNCHANGED", "NEW", "NEW"]
    assert first["canonical_id"].to_list()[:2] == ["id of 1", "id of 2"]
    assert second["status"].to_list() == ["CHANGED"] * 4
    assert pl.read_parquet(path).sort("source_key")["update_dates"].to_list()[0] == [
        DAY,
        date(2026, 3, 2),
    ]


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"no parquet", "cannot be read"),
        (b"", "cannot be read"),
        (b"PAR1" + bytes(40) + b"PAR1", "cannot be read"),
    ],
    ids=["text", "empty", "zeros"],
)
def test_a_damaged_store_is_not_replaced(tmp_path: Path, content: bytes, problem: str) -> None:
    """All ids would be lost: the message says what to do, and the file stays."""
    path = resolver(tmp_path).store_path
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(StoreError, match=f"{problem}.*put a copy of it back"):
        resolve(tmp_path)

    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "table, metadata, problem",
    [
        ({"a": [1]}, {}, "has no column source_key, canonical_id"),
        ({"source_key": ["n:1"] * 2}, {}, "has a key twice"),
        ({"source_key": ["n:1"]}, {"version": 2, "field_lists": []}, "by a later pypedream"),
        ({"source_key": ["n:1"]}, {"version": 1}, "is damaged"),
    ],
    ids=["other table", "key twice", "later version", "damaged mark"],
)
def test_a_file_that_is_no_store_is_refused(
    tmp_path: Path, table: dict[str, Any], metadata: dict[str, Any], problem: str
) -> None:
    """A name may be taken, and a later pypedream may keep things in another way."""
    path = resolver(tmp_path).store_path
    path.parent.mkdir()
    rows = pl.DataFrame(table)
    if "source_key" in table:
        rows = rows.with_columns(
            canonical_id=pl.lit("id"), last_changed_date=pl.lit(DAY), update_dates=[DAY]
        )
    marks = {"pypedream.identities": json.dumps(metadata)} if metadata else None
    rows.write_parquet(path, metadata=marks)

    with pytest.raises(StoreError, match=problem):
        resolve(tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_told(tmp_path: Path) -> None:
    """The store stays as it was."""
    resolve(tmp_path)
    folder = resolver(tmp_path).store_path.parent
    folder.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="cannot write"):
            resolve(tmp_path, ROWS.with_columns(name=pl.lit("x")))
    finally:
        folder.chmod(0o700)


def test_a_store_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    """A full disk, or a folder where the new file should be: nothing is lost."""
    resolve(tmp_path)
    path = resolver(tmp_path).store_path
    before = path.read_bytes()
    (path.parent / ".rows.parquet.tmp").mkdir()

    with pytest.raises(StoreError, match=r"cannot write .*; it is as it was"):
        resolve(tmp_path, ROWS.with_columns(name=pl.lit("x")))

    assert path.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="no limits there")
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """What was begun is removed; with room again the next call does it all."""
    first = resolve(tmp_path)
    code = (
        "import resource, signal, sys, polars as pl;"
        "from datetime import date;"
        "from pypedream.tabular import CanonicalIdResolver;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "rows = pl.DataFrame({'key': range(5_000)});"
        "rows = rows.with_columns(name=pl.lit('x'));"
        f"CanonicalIdResolver({str(tmp_path)!r}, 'rows', {{'name': ['name']}}).resolve("
        "rows, source_key_column='key', namespace='n', run_date=date(2026, 1, 1))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert "StoreError: cannot write" in done.stderr
    assert [
        path.name for path in (tmp_path / ".persistent").iterdir() if "lock" not in path.name
    ] == ["rows.parquet"]
    assert resolve(tmp_path)["canonical_id"].equals(first["canonical_id"])


def test_two_processes_give_one_row_one_id(tmp_path: Path) -> None:
    """Whoever comes second waits, and finds what the first has given."""
    workers = [_worker(tmp_path, tmp_path / f"said-{number}", 3) for number in range(3)]
    for worker in workers:
        assert worker.wait(60) == 0

    said = [line for number in range(3) for line in _said(tmp_path / f"said-{number}")]

    assert len(said) == 3 * 3 * 200
    assert len(set(said)) == 3 * 200  # keys of three calls, each with one id


def test_an_id_that_was_given_once_is_given_for_ever(tmp_path: Path) -> None:
    """Also by a process that was killed at any moment: the store is whole, and nothing is left."""
    random, given = Random(5), {}
    for number in range(12):
        worker = _worker(tmp_path, tmp_path / f"said-{number}", 1_000)
        while not (tmp_path / f"said-{number}").exists():
            sleep(0.01)
        sleep(random.uniform(0.0, 0.25))
        worker.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        worker.wait(60)
        for key, identity in _said(tmp_path / f"said-{number}"):
            assert given.setdefault(key, identity) == identity

    kept = pl.read_parquet(resolver(tmp_path).store_path)
    ids = dict(kept.select("source_key", "canonical_id").iter_rows())
    assert len(given) > 200
    assert {key: ids[f"n:{key}"] for key in given} == given
    resolve(tmp_path)
    left = {path.name for path in (tmp_path / ".persistent").iterdir()}
    assert left == {"rows.parquet", ".rows.lock"}


_CODE = """
import os, sys
from datetime import date
import polars as pl
from pypedream.tabular import CanonicalIdResolver
folder, said, calls = sys.argv[1:]
resolver = CanonicalIdResolver(folder, "rows", {"name": ["name"]})
with open(said, "a") as file:
    for number in range(int(calls)):
        rows = pl.DataFrame({"key": range(number * 200, number * 200 + 200)})
        found = resolver.resolve(
            rows.with_columns(name=pl.lit("x")),
            source_key_column="key", namespace="n", run_date=date(2026, 1, 1),
        )
        for key, identity in found.select("key", "canonical_id").iter_rows():
            file.write(f"{key} {identity}\\n")
        file.flush()
"""


def _worker(folder: Path, said: Path, calls: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _CODE, str(folder), str(said), str(calls)])


def _said(path: Path) -> list[tuple[str, ...]]:
    lines = path.read_text("utf-8").splitlines(keepends=True)
    return [tuple(line.split()) for line in lines if line.endswith("\n")]


def test_who_waits_long_for_a_store_says_so(tmp_path: Path, monkeypatch) -> None:
    """With the process that has it; when that is done, the rows are resolved."""
    monkeypatch.setattr(identity_store, "_QUIET_S", 0.05)
    lock = resolver(tmp_path).store_path.with_name(".rows.lock")

    with ThreadPoolExecutor(1) as pool, capture_logs() as logs:
        with held(lock, doing="something"):
            waiting = pool.submit(resolve, tmp_path)
            while not logs:
                sleep(0.01)
        found = waiting.result(60)

    assert set(found["status"]) == {"NEW"}
    said = {"event": "waiting for a store of identities", "store": "rows", "process": os.getpid()}
    assert [{**said, "log_level": "info"}] == logs


def test_identities_are_read_as_they_were_written(tmp_path: Path) -> None:
    """With the lists of columns; a file that is not there is an empty store."""
    path = tmp_path / "rows.parquet"
    rows = Identities.none().rows

    write_identities(path, Identities(rows, (("a", "b"), ())))

    assert read_identities(path).field_lists == (("a", "b"), ())
    assert read_identities(path).rows.equals(rows)
    assert read_identities(tmp_path / "none.parquet").rows.schema == rows.schema
