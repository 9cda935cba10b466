"""Environments with one version of Airflow each, kept in pytest's cache.

    python -m tests.airflow.venvs [VERSION ...]

makes those that are missing. Without a version it is the newest of each major; the environment
variable ``AIRFLOW_VERSIONS`` names others to test. pypedream is in none of the environments: a test
that needs it puts its folder on the path, and a test that must not have it does not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

VERSIONS = tuple(os.environ.get("AIRFLOW_VERSIONS", "3.3.2 2.11.2").split())
# An older version gets what there was when it came: it does not run with what came later.
AS_OF = {"2.9.3": "2024-07-25", "2.10.5": "2025-02-20", "3.0.6": "2025-09-05"}
BESIDES = (
    *("attrs", "click", "structlog", "toolz", "fsspec", "pandas", "pyarrow"),
    *("polars", "pandera[polars]"),
)
CACHE = Path(__file__).parents[2] / ".pytest_cache"


def python_with(version: str) -> Path:
    """Return the path of the Python of the environment with a version of Airflow."""
    scripts = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    return CACHE / f"airflow-{version}" / scripts


def is_made(version: str) -> bool:
    """Whether the environment is there and holds what is wanted now."""
    done = _done(version)
    return done.exists() and done.read_text(encoding="utf-8").split() == _wanted(version)


def make(version: str) -> None:
    """Make the environment with a version of Airflow if it is not there.

    Airflow is installed as its users do it at worst: by pip alone, without a file of constraints.
    It is compiled, for otherwise each of its many processes would compile it anew.
    """
    if is_made(version):
        return
    python = python_with(version)
    folder = python.parents[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    own["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, env=own)
    install = [str(python), "-m", "pip", "install", "-qq"]
    if version in AS_OF:
        subprocess.run([*install, "pip>=26"], check=True, env=own)
        install += ["--uploaded-prior-to", f"{AS_OF[version]}T00:00:00Z"]
        build = folder / "build.txt"
        build.write_text("setuptools<75", encoding="utf-8")
        own["PIP_BUILD_CONSTRAINT"] = str(build)
    wanted = _wanted(version)
    subprocess.run([*install, *wanted], check=True, env=own)
    _done(version).write_text("\n".join(wanted), encoding="utf-8")


def _wanted(version: str) -> list[str]:
    return [f"apache-airflow=={version}", *BESIDES]


def _done(version: str) -> Path:
    return python_with(version).parents[1] / "done"


if __name__ == "__main__":
    for each in sys.argv[1:] or VERSIONS:
        make(each)
        print(python_with(each))
