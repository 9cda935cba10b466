import subprocess
import sys

import pytest

from pypedream import log


@pytest.mark.parametrize("name", log.__all__)
def test_every_name_is_there(name):
    """What the package promises can be loaded from it."""
    assert getattr(log, name) is not None
    assert name in dir(log)


def test_a_name_that_is_not_there():
    """A mistyped name is an AttributeError, as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'Consol'"):
        _ = log.Consol


def test_importing_the_package_loads_nothing():
    """Its parts are loaded when they are used."""
    code = "import sys, pypedream.log; print([m for m in sys.modules if 'pypedream.log.' in m])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert loaded == "[]\n"
