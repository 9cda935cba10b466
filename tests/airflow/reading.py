"""Run in a process of an environment with Airflow alone: say what is in the DAG files.

    python reading.py FOLDER > report.json

Each file is imported as Airflow does it. Beside what is in the DAGs the report has the modules of
ours that were imported, the warnings that a file gave cause for, and the seconds that it took.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any


def read(file: Path) -> dict[str, Any]:
    """Import one DAG file; return what its DAG is like."""
    spec = importlib.util.spec_from_file_location(f"dag_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spec.loader.exec_module(module)
    took_s = time.perf_counter() - before
    own = [str(each.message) for each in caught if each.filename == str(file)]
    return {"warnings": own, "seconds": took_s, **described(module.dag)}


def described(dag: Any) -> dict[str, Any]:
    """Return what a DAG is like, as data."""
    return {
        "dag_id": dag.dag_id,
        "params": {name: [param.value, param.schema] for name, param in asked(dag.params)},
        "tasks": {task.task_id: task_of(task) for task in dag.tasks},
    }


def asked(params: Any) -> list[tuple[str, Any]]:
    """Return the params with their schemas."""
    return [(name, params.get_param(name)) for name in params]


def task_of(task: Any) -> dict[str, Any]:
    """Return what a task is like, as data."""
    mapped = getattr(task, "partial_kwargs", {})

    def setting(name: str) -> Any:
        return mapped[name] if name in mapped else getattr(task, name)

    timeout, delay = setting("execution_timeout"), setting("retry_delay")
    rule = setting("trigger_rule")
    return {
        "upstream": sorted(task.upstream_task_ids),
        "group": task.task_group.group_id or "",
        "retries": setting("retries"),
        "retry_delay_s": delay if isinstance(delay, (int, float)) else delay.total_seconds(),
        "timeout_s": None if timeout is None else timeout.total_seconds(),
        "rule": str(getattr(rule, "value", rule)),
        "is_mapped": type(task).__name__ == "DecoratedMappedOperator",
    }


def main() -> None:
    """Read all DAG files of a folder."""
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Airflow says on standard output is for the log
    import airflow  # noqa: F401 - its own start is not the file's

    files = sorted(Path(sys.argv[1]).glob("*.py"))
    found = {file.stem: read(file) for file in files}
    roots = {name.partition(".")[0] for name in sys.modules}
    known = {"pypedream", *(file.stem.partition("_")[0] for file in files)}
    json.dump({"files": found, "imported": sorted(roots & known)}, report)
    report.close()


if __name__ == "__main__":
    main()
