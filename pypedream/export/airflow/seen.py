"""What Airflow reads in DAG files, as JSON; run by Airflow's own Python, with nothing of ours.

    python -c "$(cat seen.py)" FILE ...

Its text is all that is handed over, as pypedream may not be installed there.
"""
# ruff: noqa: D103

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

SECONDS = ("retry_delay", "execution_timeout")
SETTINGS = (
    "retries",
    "retry_exponential_backoff",
    "pool",
    "priority_weight",
    "max_active_tis_per_dagrun",
    "trigger_rule",
)


def bag_of(file: str) -> Any:
    try:
        bag = import_module("airflow.dag_processing.dagbag").DagBag
    except ImportError:
        bag = import_module("airflow.models").DagBag
    try:
        return bag(file, include_examples=False)
    except TypeError:  # newer ones have none
        return bag(file)


def plain(value: Any) -> Any:
    """Return a value with "task_id[key]" in place of what another task gives."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    operator = getattr(value, "operator", None)
    if operator is None:
        return value
    key = "" if value.key == "return_value" else value.key
    return f"{operator.task_id}[{key}]"


def is_mapped(task: Any) -> bool:
    return hasattr(task, "partial_kwargs")


def called(task: Any) -> Any:
    if is_mapped(task):
        items = task._get_specified_expand_input().value  # noqa: SLF001 - there is no other way
        return plain({**task.partial_kwargs.get("op_kwargs", {}), **items})
    return plain([*task.op_args, *task.op_kwargs.values()])


def seconds(time: Any) -> Any:
    return None if time is None else time.total_seconds()


def settings(task: Any) -> dict[str, Any]:
    times = {name: getattr(task, name) for name in SECONDS}
    found = {name: getattr(task, name, None) for name in SETTINGS}
    found["trigger_rule"] = str(getattr(task.trigger_rule, "value", task.trigger_rule))
    found["retry_exponential_backoff"] = bool(found["retry_exponential_backoff"])
    return found | {name: seconds(each) for name, each in times.items()}


def task_seen(task: Any) -> dict[str, Any]:
    function = task.partial_kwargs.get("python_callable") if is_mapped(task) else None
    return {
        "function": (function or task.python_callable).__name__,
        "is_mapped": is_mapped(task),
        "called with": called(task),
        "upstream": sorted(task.upstream_task_ids),
        "shown": task.task_display_name,
        "about": task.doc_md or "",
        "settings": settings(task),
    }


def param_seen(param: Any) -> dict[str, Any]:
    found = {"schema": param.schema, "help": param.description or ""}
    return {**found, "default": param.value} if param.has_value else found


def dag_seen(dag: Any) -> dict[str, Any]:
    interval = getattr(dag, "schedule_interval", getattr(dag, "schedule", None))
    params = {name: param_seen(dag.params.get_param(name)) for name in dag.params}
    return {
        "schedule": interval,
        "catchup": dag.catchup,
        "shown": dag.dag_display_name,
        "description": dag.description or "",
        "tags": sorted(dag.tags),
        "params": params,
        "tasks": {task.task_id: task_seen(task) for task in dag.tasks},
    }


def main(file: str) -> dict[str, Any]:
    bag = bag_of(file)
    dags = {each.dag_id: dag_seen(each) for each in bag.dags.values()}
    version = sys.modules["airflow"].__version__
    return {"airflow": version, "errors": list(bag.import_errors.values()), "dags": dags}


if __name__ == "__main__":
    print("\n" + json.dumps([main(each) for each in sys.argv[1:]], default=str))
