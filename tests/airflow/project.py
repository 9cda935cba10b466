"""A user's project: modules with workflows, and the DAG files that are exported from them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pypedream

HERE = Path(__file__).parent
MAUNA_LOA = HERE.parents[1] / "notebooks" / "mauna_loa"
PACKAGE = Path(pypedream.__file__).parents[1]


class Project:
    """A folder with the user's modules in ``code`` and DAG files in ``dags``."""

    def __init__(self, folder: Path) -> None:
        self.code = folder / "code"
        self.dags = folder / "dags"
        self.dags.mkdir(parents=True)
        shutil.copytree(HERE / "workflows", self.code, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(MAUNA_LOA / "data", self.code / "data")
        shutil.copy(MAUNA_LOA / "pipeline.py", self.code / "mauna_loa.py")

    def export(self, target: str, *options: str, seed: int = 0, dag_id: str = "") -> Path:
        """Write the DAG file of a pipeline as a user does, and return its path.

        Parameters
        ----------
        seed
            What the interpreter's hashes depend on.
        dag_id
            What Airflow calls it, if that is not the name of the target.
        """
        name = dag_id or target.replace(":", ".")
        file = self.dags / f"{name.replace('.', '_')}.py"
        command = ["export", "airflow", target, "--out", str(file), "--dag-id", name]
        self.pypedream(*command, "--project-root", str(self.code), *options, seed=seed)
        return file

    def pypedream(self, *arguments: str, seed: int = 0) -> str:
        """Run a command of pypedream in the folder of the modules, and return what it said."""
        path = os.pathsep.join([str(PACKAGE), str(self.code)])
        ended = subprocess.run(
            [sys.executable, "-m", "pypedream", *arguments],
            cwd=self.code,
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout
