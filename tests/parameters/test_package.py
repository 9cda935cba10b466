from __future__ import annotations

import subprocess
import sys

PROBE = """
import sys, attrs
before = set(sys.modules)
import pypedream.parameters
print(*set(sys.modules) - before)
"""
LATE = {"dataclasses", "datetime", "decimal", "json", "logging", "pathlib", "tomllib"}


def test_import_is_cheap() -> None:
    """Importing the parameters loads nothing beside attrs that only some parameters need."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, check=True, encoding="utf-8"
    )

    loaded = set(done.stdout.split())
    assert "pypedream.parameters.table" in loaded
    assert loaded & LATE == set()
    for late in ("display", "reading", "sources", "typed"):
        assert f"pypedream.parameters.{late}" not in loaded
