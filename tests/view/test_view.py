from __future__ import annotations

import subprocess
import sys

import pytest

from pypedream import view


@pytest.mark.parametrize("name", view.__all__)
def test_every_name_is_there(name: str) -> None:
    """What the package promises can be called."""
    assert callable(getattr(view, name))
    assert name in dir(view)


def test_an_unknown_name_is_refused() -> None:
    """The error has the name and the package."""
    with pytest.raises(AttributeError, match=r'"pypedream\.view" has no "to_png"'):
        _ = view.to_png


def test_importing_the_package_loads_no_view() -> None:
    """Views are loaded when they are used."""
    code = "import sys, pypedream.view; print([m for m in sys.modules if 'pypedream.view.' in m])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
