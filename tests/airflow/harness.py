"""Run in a process of an environment with Airflow: cases under Airflow and here, compared.

    python harness.py < jobs.json > report.json

A job is a case, or one that Airflow has carried out already and that is only compared. Each gets a
DagBag of its own: Airflow keeps what a run was given in the DAG it was given to. What a run gave is
read from Airflow's database, so that one sees what that holds.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

STATES = {"failed": "failed", "blocked": "upstream_failed"}


def bag() -> Any:
    """Parse the DAG files anew."""
    folder = os.environ["AIRFLOW__CORE__DAGS_FOLDER"]
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # Airflow 2 and 3.0
        from airflow.models import DagBag

        return DagBag(folder, include_examples=False)
    return DagBag(folder)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same types, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, "dtype") or hasattr(one, "dtypes"):
        return same_table(one, other)
    if type(one).__eq__ is object.__eq__:
        return repr(one) == repr(other)
    return bool(one == other)


def same_table(one: Any, other: Any) -> bool:
    """Whether two arrays, series or frames are equal and of the same types."""
    if hasattr(one, "equals"):  # of pandas
        return bool(one.equals(other)) and str(one.dtypes) == str(other.dtypes)
    return one.dtype == other.dtype and one.tolist() == other.tolist()


class Recorded:
    """What Airflow's database has of one run."""

    def __init__(self, dag_id: str, run_id: str) -> None:
        file = Path(os.environ["AIRFLOW_HOME"]) / "airflow.db"
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            ((self.of_run,),) = database.execute(
                "select state from dag_run where dag_id = ? and run_id = ?", (dag_id, run_id)
            )
            self.tasks: dict[str, dict[int, str]] = {}
            self.tries: dict[str, int] = {}
            for task, index, state, tries in database.execute(
                "select task_id, map_index, state, try_number from task_instance"
                " where dag_id = ? and run_id = ?",
                (dag_id, run_id),
            ):
                self.tasks.setdefault(task, {})[index] = state
                self.tries[task] = max(tries, self.tries.get(task, 0))
            rows = database.execute(
                "select task_id, map_index, key, value from xcom where dag_id = ? and run_id = ?"
                " order by map_index",
                (dag_id, run_id),
            ).fetchall()
        self.largest = max((len(value) for *_, value in rows), default=0)
        self.values: dict[tuple[str, str], dict[int, Any]] = {}
        for task, index, key, value in rows:
            self.values.setdefault((task, key), {})[index] = _json(value)

    def state(self, task: str) -> str:
        """Return the state of a task; of a mapped one that of its parts if they have the same."""
        return "+".join(sorted({*self.tasks[task].values()}))

    def task_of(self, stage: str) -> str:
        """Return the task that calls a stage: its own, or that of its group."""
        found = stage
        while found not in self.tasks:
            found = found.rpartition(".")[0]
            assert found, f'no task calls stage "{stage}"'
        return found

    def handed(self, key: str) -> Any:
        """Return what a consumer of a stage is handed; None if there is nothing."""
        parts = self.values.get((self.task_of(key), "return_value"), {})
        items = f"{key}__items"
        if items not in self.tasks:
            return parts.get(-1)
        return [
            self.values.get((items, "shape"), {}).get(-1),
            [parts[each] for each in sorted(parts)],
        ]


def _json(value: Any) -> Any:
    found = json.loads(value)
    return json.loads(found) if isinstance(found, str) else found


def run_here(pipeline: Any, values: Mapping[str, Any]) -> Any:
    """Run a pipeline without Airflow; what fails does not keep others from running."""
    pipeline.last_run = None
    for name in [name for name in os.environ if name.startswith("PYPEDREAM_PARAM_")]:
        del os.environ[name]  # a run here takes them for its own; they are the defaults
    try:
        return pipeline.run(dict(values), progress=False, on_error="continue")
    except Exception:
        if pipeline.last_run is None:
            raise
        return pipeline.last_run


def differences(pipeline: Any, run: Any, found: Recorded, only: Collection[str]) -> list[str]:
    """Return one line for each stage that is not what it is here."""
    from pypedream.export.remote import Remote

    remote = Remote({}, pipeline)
    handed = {key: found.handed(key) for key in pipeline.stages}
    values = remote.given({key: each for key, each in handed.items() if each is not None})
    remote.close()
    lines = []
    for key in pipeline.stages:
        expected = "success" if key in run else STATES.get(run.stages[key].state, "skipped")
        state = found.state(found.task_of(key))
        if key in values and state == "skipped":  # mapped over nothing
            state = "success"
        if state != expected:
            lines.append(f"{key}: {state}, here {expected}")
        elif key in run and key in only and not same(values.get(key), run[key]):
            lines.append(f"{key}: {values.get(key)!r}"[:300] + f", here {run[key]!r}"[:300])
    return lines


def run_under_airflow(case: dict[str, Any]) -> str:
    """Run one case under Airflow, unless it has been; return the id of the run."""
    dags = bag()
    if dags.import_errors:
        raise ImportError(str(dags.import_errors))
    if "run_id" in case:
        return str(case["run_id"])
    return str(dags.dags[case["dag_id"]].test(run_conf=case["conf"]).run_id)


def calls() -> dict[str, int]:
    """Return how often stages were called that count it."""
    return {file.name: file.stat().st_size for file in Path(os.environ["CALLS"]).iterdir()}


def run_case(case: dict[str, Any]) -> dict[str, Any]:
    """Run one case under Airflow, and here if it says so; return what came of it."""
    own = dict(os.environ)
    before = calls()
    found = Recorded(case["dag_id"], run_under_airflow(case))
    report = {
        "state": found.of_run,
        "tasks": {task: found.state(task) for task in found.tasks},
        "counts": {task: len(found.tasks[task]) for task in found.tasks},
        "tries": found.tries,
        "calls": {name: count - before.get(name, 0) for name, count in calls().items()},
        "largest": found.largest,
    }
    if case["is_compared"]:
        module, _, name = case["target"].partition(":")  # the DAG file made it importable
        home = import_module(module)
        pipeline = getattr(home, name)
        values = getattr(home, case["values"]) if case["values"] else case["conf"]
        run = run_here(pipeline, values)
        os.environ.update(own)
        only = case["only"] or list(pipeline.stages)
        report["differences"] = differences(pipeline, run, found, only)
    return report


def main() -> None:
    """Run the cases of standard input, and write what came of each as JSON."""
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Airflow says on standard output is for the log
    cases = json.load(sys.stdin)
    for case in cases:
        print(f"== {case['name']}", file=sys.stderr, flush=True)
        try:
            found = run_case(case)
        except Exception as error:  # noqa: BLE001 - the others are run all the same
            import traceback

            found = {"errors": "".join(traceback.format_exception(error))}
        report.write(json.dumps({"name": case["name"], **found}) + "\n")
        report.flush()


if __name__ == "__main__":
    main()
