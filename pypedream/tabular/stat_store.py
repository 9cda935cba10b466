"""The store of statistics: one SQLite file for all runs of a pipeline, ``.astro/stats.db``.

Several threads and processes may write to it. The file is made with the first number; nothing is
written when there is nothing to keep.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from pypedream.errors import StoreError
from pypedream.tabular.rule_results import FileRules, RuleResult
from pypedream.tabular.stats import StatRecord, StatScope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["StatisticsStore"]

_BUSY_S = 30.0
# A later layout is another table, beside this one: neither harms the other.
_TABLES = """
CREATE TABLE IF NOT EXISTS runs_1 (run_id TEXT PRIMARY KEY, pipeline TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS statistics_1 (
    run_id TEXT, scope TEXT, subject TEXT, action TEXT, value REAL NOT NULL,
    recorded_at TEXT NOT NULL, PRIMARY KEY (run_id, scope, subject, action)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rules_1 (
    run_id TEXT, file TEXT, rows INTEGER NOT NULL, rules TEXT NOT NULL,
    PRIMARY KEY (run_id, file)
) WITHOUT ROWID;
"""
_IS_THERE = "SELECT 1 FROM sqlite_master WHERE name = 'statistics_1'"
_FORGET = (
    "DELETE FROM runs_1 WHERE run_id = ?",
    "DELETE FROM statistics_1 WHERE run_id = ?",
    "DELETE FROM rules_1 WHERE run_id = ?",
)


class StatisticsStore:
    """The numbers that runs of one pipeline have noted.

    Parameters
    ----------
    pipeline_dir
        The folder of the pipeline.

    Raises
    ------
    StoreError
        Any call, if the file cannot be read or written.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> store = StatisticsStore(mkdtemp())
    >>> store.records("ab12c"), store.path.exists()
    ([], False)
    """

    def __init__(self, pipeline_dir: str | os.PathLike[str]) -> None:
        self.path = Path(pipeline_dir, ".astro", "stats.db")
        self._begin()

    def _begin(self) -> None:
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None
        self._pid, self._has_tables = os.getpid(), False
        self._of_parents: list[sqlite3.Connection] = []

    def __del__(self) -> None:
        if hasattr(self, "_lock"):
            self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.path = state["path"]
        self._begin()

    def __repr__(self) -> str:
        return f"<statistics in {self.path}>"

    def begin_run(self, run_id: str, pipeline: str) -> None:
        """Note which pipeline a run is of."""
        with self._writing() as connection:
            connection.execute("REPLACE INTO runs_1 VALUES (?, ?)", (run_id, pipeline))

    def write(self, records: Iterable[StatRecord]) -> None:
        """Keep records, each in place of the one about the same: all of them, or none."""
        rows = [
            (
                each.run_id,
                str(each.scope),
                each.subject or "",
                each.action,
                float(each.value),
                each.recorded_at.isoformat(),
            )
            for each in records
        ]
        if rows:
            with self._writing() as connection:
                connection.executemany("REPLACE INTO statistics_1 VALUES (?, ?, ?, ?, ?, ?)", rows)

    def write_rules(self, run_id: str, rules: FileRules) -> None:
        """Keep what came of the rules of a file."""
        said = json.dumps(
            [
                [one.rule, one.column, one.checked, one.failed, one.examples, one.extract]
                for one in rules.rules
            ]
        )
        with self._writing() as connection:
            row = (run_id, rules.file, rules.rows, said)
            connection.execute("REPLACE INTO rules_1 VALUES (?, ?, ?, ?)", row)

    def runs(self) -> dict[str, str]:
        """Return the pipeline of each run that is known."""
        return dict(self._read("SELECT run_id, pipeline FROM runs_1"))

    def records(self, run_id: str | None = None) -> list[StatRecord]:
        """Return the records of a run, or of all: ordered by run, scope, subject and action."""
        rows = self._read("SELECT * FROM statistics_1 WHERE ?1 IS NULL OR run_id = ?1", run_id)
        return [
            StatRecord(run, StatScope(scope), subject or None, action, value, _moment(at))
            for run, scope, subject, action, value, at in rows
        ]

    def rules(self, run_id: str) -> list[FileRules]:
        """Return what came of the rules of each file of a run, by name."""
        rows = self._read("SELECT file, rows, rules FROM rules_1 WHERE run_id = ?1", run_id)
        return [FileRules(file, count, _rules(said)) for file, count, said in rows]

    def forget(self, run_id: str) -> None:
        """Remove all that is kept of a run."""
        if self.path.exists():
            with self._writing() as connection:
                for statement in _FORGET:
                    connection.execute(statement, (run_id,))

    def close(self) -> None:
        """Let go of the file; it is opened again when it is needed."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection, self._has_tables = None, False

    def _read(self, query: str, *values: Any) -> list[Any]:
        if not self.path.exists():
            return []
        with self._told(), self._lock:
            connection = self._open()
            if not connection.execute(_IS_THERE).fetchall():
                return []  # who reads makes no tables in a file of somebody else
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._told(), self._lock:
            connection = self._open()
            if not self._has_tables:
                connection.executescript(_TABLES)
                self._has_tables = True
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise StoreError(
                f"the statistics in {self.path} cannot be read or written: {error}"
            ) from error

    def _open(self) -> sqlite3.Connection:
        """Return the connection of this process."""
        if self._connection is not None and self._pid != os.getpid():
            self._of_parents.append(self._connection)  # to close it is for the parent
            self._connection, self._has_tables = None, False
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._pid = os.getpid()
            self._connection.execute("PRAGMA synchronous = NORMAL")
        return self._connection


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _rules(said: str) -> tuple[RuleResult, ...]:
    return tuple(
        RuleResult(rule, column, checked, failed, tuple(examples), extract)
        for rule, column, checked, failed, examples, extract in json.loads(said)
    )
