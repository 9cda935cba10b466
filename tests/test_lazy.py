"""Names that are loaded when they are first used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pypedream.export
import pypedream.formats
import pypedream.log
import pypedream.store

PACKAGES = [pypedream.export, pypedream.formats, pypedream.log, pypedream.store]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_of_a_package_is_there(package):
    """What `__all__` promises can be had, is listed, and is found once."""
    for name in package.__all__:
        assert getattr(package, name) is vars(package)[name]
    assert set(package.__all__) <= set(dir(package))


@pytest.mark.parametrize("package", PACKAGES)
def test_another_name_is_an_attribute_error(package):
    """As for any module."""
    with pytest.raises(AttributeError, match=f"'{package.__name__}' has no attribute 'nothing'"):
        _ = package.nothing


def test_a_package_loads_nothing_before_it_is_used():
    """Importing all three loads none of their modules."""
    code = (
        "import sys, pypedream.export, pypedream.formats, pypedream.log, pypedream.store;"
        "print([name for name in sys.modules if name.count('.') > 1 and 'pypedream' in name])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_who_defines_a_pipeline_loads_nothing_that_plans_or_runs_it():
    """To define stages with files loads neither the plan nor what writes files.

    What few stages have is loaded where one has it.
    """
    code = (
        "import sys; from typing import Annotated;"
        "from pypedream import Pipeline; from pypedream.files import CSV, JSON, Dep, Out;"
        'exec(\'def copy(x: Annotated[dict, Dep("a.json", JSON())])'
        ' -> Annotated[list, Out("b.csv", CSV())]: return [x]\');'
        "Pipeline('flow').register(copy);"
        "print(*sorted({'pypedream.engine.plan', 'pypedream.files.staging', 'sqlite3', 'toolz',"
        " 'pypedream.files.purposes', 'pypedream.formats.json_lines',"
        " 'pypedream.mappers', 'pypedream.over', 'pypedream.parameters.definition',"
        " 'pathlib'}"
        " & sys.modules.keys()))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "\n"
