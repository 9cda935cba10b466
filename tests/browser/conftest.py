"""One JupyterLab and one browser for all tests; where they are missing, how to get them.

On a person's machine that is a reason to skip, in continuous integration (`CI` is set) a failure.
Pictures of what failed, and those that tests take, are kept in the folder that `PYPEDREAM_PICTURES`
names, else in pytest's own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.lab import File, Notebook, Server, missing, start_browser, write_notebook

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    Open = Callable[[Path], AbstractContextManager[Notebook]]


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    """The browser."""
    if lack := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lack)
    driver = start_browser()
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def server(driver: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab."""
    server = Server(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def open_notebook(driver: Any, server: Server, pictures: Path) -> Callable[[Path], Any]:
    """Open a notebook for a while, with a new kernel."""

    @contextmanager
    def opened(path: Path) -> Iterator[Notebook]:
        notebook = Notebook(driver, server, path)
        try:
            yield notebook
        except BaseException:
            driver.save_screenshot(str(pictures / f"failed-{path.stem}.png"))
            raise
        finally:
            notebook.close()

    return opened


@pytest.fixture(scope="session")
def make_notebook(server: Server) -> Callable[..., Path]:
    """Write a notebook of the given cells into the server's folder."""

    def make(name: str, *cells: str, may_fail: tuple[int, ...] = ()) -> Path:
        return write_notebook(server.folder / f"{name}.ipynb", cells, may_fail=may_fail)

    return make


@pytest.fixture
def open_file(driver: Any) -> Callable[[Path], Any]:
    """Open a file for a while, without network."""

    @contextmanager
    def opened(path: Path) -> Iterator[File]:
        file = File(driver, path)
        try:
            yield file
        finally:
            file.close()

    return opened


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for pictures."""
    wanted = os.environ.get("PYPEDREAM_PICTURES")
    folder = Path(wanted) if wanted else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def console(driver: Any) -> Iterator[None]:
    """The browser's console has no error after any of the tests."""
    severe(driver)
    yield
    assert severe(driver) == []


def severe(driver: Any) -> list[str]:
    """Return the errors since it was last asked for them.

    A page of nbconvert asks for MathJax even if it has no formula; the network is off for it.
    """
    entries = driver.get_log("browser")
    found = [entry["message"] for entry in entries if entry["level"] == "SEVERE"]
    return [text for text in found if "ERR_INTERNET_DISCONNECTED" not in text]
