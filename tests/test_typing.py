"""The types that users rely on are those that a type checker sees."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pypedream

PACKAGE = Path(pypedream.__file__).parent
EXAMPLE = Path(__file__).parent / "typing" / "api.py"


def test_the_package_says_that_it_is_typed():
    """Type checkers look into a package only if it holds this file."""
    assert (PACKAGE / "py.typed").exists()


@pytest.mark.slow
def test_the_public_face_is_typed_strictly(tmp_path):
    """A strict check accepts the right use of every name, and refuses the wrong ones."""
    pytest.importorskip("mypy")
    pytest.importorskip("pydantic")
    is_installed = "site-packages" in PACKAGE.parts  # where mypy looks anyway
    checkout = {} if is_installed else {"MYPYPATH": str(PACKAGE.parent)}
    options = ["--config-file=", f"--cache-dir={tmp_path}", "--follow-imports=silent"]

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *options, str(EXAMPLE)],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, **checkout},
        timeout=300,
    )

    assert done.stdout.splitlines() == ["Success: no issues found in 1 source file"]
