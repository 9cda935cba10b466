"""What is in DAG files, as Airflow reads them where neither pypedream nor the user's code is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from pypedream import Pipeline
from pypedream.export.outline import Outline, Task
from pypedream.export.outlining import outline_of
from pypedream.export.schema import params_of, values_from
from tests.airflow.cases import SECRETS
from tests.airflow.home import Home
from tests.airflow.project import HERE, Project
from tests.airflow.venvs import VERSIONS

pytestmark = pytest.mark.airflow

TARGETS = (
    "conditions:chosen",
    "conditions:flaky",
    "conditions:flaky_items",
    "kinds:parameters",
    "maps:squares",
    "maps:variants",
    "mymodule:pipeline",
    "shapes:diamond",
    "shapes:included",
    "talking:slow",
    "wide:flow",
)
EACH_TARGET = pytest.mark.parametrize("target", TARGETS)
# By dag.test() they are seen for one version only.
SMOKE = [
    pytest.param(version, marks=[pytest.mark.smoke] if version == VERSIONS[0] else [])
    for version in VERSIONS
]


@pytest.fixture(scope="module")
def own_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the DAG files of the targets."""
    made = Project(tmp_path_factory.mktemp("files"))
    for target in TARGETS:
        made.export(target)
    return made


@pytest.fixture
def pipelines(
    own_project: Project, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Pipeline]]:
    """The pipelines themselves, by target."""
    monkeypatch.syspath_prepend(str(own_project.code))
    before = set(sys.modules)
    parts = {target: target.partition(":") for target in TARGETS}
    yield {
        target: getattr(import_module(name), attribute)
        for target, (name, _, attribute) in parts.items()
    }
    for name in set(sys.modules) - before:
        if str(own_project.code) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture(scope="module", params=SMOKE)
def read(
    request: pytest.FixtureRequest, own_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What an interpreter with Airflow, and without pypedream, finds in the files."""
    place = tmp_path_factory.mktemp(f"reading-{request.param}")
    home = Home.of(str(request.param), place, own_project)
    script = str(HERE / "reading.py")
    found: dict[str, Any] = json.loads(home.run(script, str(own_project.dags), has_pypedream=False))
    return found


def test_reading_imports_airflow_alone(read: dict[str, Any]):
    """A DAG file is read where neither pypedream nor the workflow's module can be imported."""
    assert len(read["files"]) == len(TARGETS)
    assert read["imported"] == []


def test_reading_gives_no_warning(read: dict[str, Any]):
    """A DAG file uses nothing that this version of Airflow wants to be rid of."""
    assert {
        name: file["warnings"] for name, file in read["files"].items() if file["warnings"]
    } == {}


@EACH_TARGET
def test_tasks_hang_together_as_stages_do(
    target: str, read: dict[str, Any], pipelines: dict[str, Pipeline]
):
    """Tasks, edges, retries, times, rules and groups are those of the pipeline."""
    outline = outline_of(pipelines[target], target)

    expected = dict(pair for task in outline.tasks.values() for pair in tasks_of(outline, task))
    assert file_of(read, target)["tasks"] == expected


@EACH_TARGET
def test_params_are_parameters(target: str, read: dict[str, Any], pipelines: dict[str, Pipeline]):
    """Each parameter is a param with its schema, and its default comes back as it was."""
    parameters = pipelines[target].parameters
    params, problems = params_of(parameters)
    found = file_of(read, target)["params"]

    assert problems == []
    public = {name: param for name, param in params.items() if not param.is_secret}
    assert {name: schema for name, (_, schema) in found.items()} == {
        name: dict(param.schema) for name, param in public.items()
    }
    values = values_from(parameters, {name: value for name, (value, _) in found.items()})
    changed = parameters.with_values(values, source="Airflow")
    assert all(type(changed[name]) is type(parameters[name]) for name in public)
    assert all(changed[name] == parameters[name] for name in public)


@EACH_TARGET
def test_a_file_is_the_same_bytes_each_time(target: str, own_project: Project):
    """What hashes depend on has no part in a DAG file."""
    file = own_project.dags / f"{target.replace(':', '_')}.py"
    before = file.read_bytes()

    own_project.export(target, "--overwrite", seed=1)

    assert file.read_bytes() == before


@EACH_TARGET
def test_a_file_holds_no_place_and_no_secret(target: str, own_project: Project):
    """Where the project is on this machine, and what is secret, is in no DAG file."""
    text = (own_project.dags / f"{target.replace(':', '_')}.py").read_text(encoding="utf-8")

    assert str(own_project.code.parent) not in text
    assert not any(secret in text for secret in SECRETS.values())


def file_of(read: dict[str, Any], target: str) -> dict[str, Any]:
    found: dict[str, Any] = read["files"][target.replace(":", "_")]
    return found


def tasks_of(outline: Outline, task: Task) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the tasks that Airflow has for one of ours, each with its id."""
    needed = [outline.tasks[key] for key in outline.needs(task)]
    upstream = {each.key for each in needed}
    upstream |= {
        f"{each.key}__items" for each in needed if each.is_mapped and each.key in task.reads
    }
    usual = {
        "upstream": sorted(upstream),
        "group": task.group,
        "retries": 0,
        "retry_delay_s": 300.0,
        "timeout_s": None,
        "rule": "none_failed" if any(each.may_be_skipped for each in needed) else "all_success",
        "is_mapped": False,
    }
    policy = task.policy
    if policy.retries:
        usual |= {"retries": policy.retries, "retry_delay_s": policy.retry_delay_s}
    own = {"timeout_s": policy.timeout_s}
    if task.is_mapped:
        yield f"{task.key}__items", usual
        own |= {"upstream": sorted([*upstream, f"{task.key}__items"]), "is_mapped": True}
    yield task.key, {**usual, **own}
