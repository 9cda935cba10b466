"""A figure is written as an image and closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import FormatError
from pypedream.formats import MatplotlibFigure

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture
def figure() -> Any:
    figure, axes = pyplot.subplots(figsize=(2, 1))
    axes.plot([1, 2])
    return figure


@pytest.mark.parametrize(
    "ending,start", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")], ids=str
)
def test_the_ending_says_what_kind_of_image(
    tmp_path: Path, figure: Any, ending: str, start: bytes
) -> None:
    """The path's ending chooses the format."""
    MatplotlibFigure().save(figure, tmp_path / f"plot.{ending}")

    assert (tmp_path / f"plot.{ending}").read_bytes().startswith(start)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_figure_is_closed(tmp_path: Path, figure: Any) -> None:
    """A pipeline of many plots keeps none of them in memory."""
    MatplotlibFigure().save(figure, tmp_path / "plot.png")

    assert not pyplot.fignum_exists(figure.number)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_figure_gives_the_same_file(tmp_path: Path, figure: Any, ending: str) -> None:
    """No date and no random name is in the file, so nothing that depends on it runs again."""
    MatplotlibFigure().save(figure, tmp_path / f"a.{ending}")
    MatplotlibFigure().save(figure, tmp_path / f"b.{ending}")

    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_options_change_the_image(tmp_path: Path, figure: Any) -> None:
    """A width of 2 inches at 50 dots an inch is 100 dots, when no margin is cut."""
    MatplotlibFigure(dpi=50, bbox_inches=None).save(figure, tmp_path / "plot.png")

    assert pyplot.imread(tmp_path / "plot.png").shape[:2] == (50, 100)


def test_axes_are_not_a_figure(tmp_path: Path, figure: Any) -> None:
    """What many functions return is refused, with the fix."""
    with pytest.raises(FormatError, match=r"Figure is needed, not Axes; give its \.figure"):
        MatplotlibFigure().save(figure.axes[0], tmp_path / "plot.png")
    pyplot.close(figure)


def test_an_ending_that_is_no_image_is_refused(tmp_path: Path, figure: Any) -> None:
    """The message names the endings that there are."""
    with pytest.raises(
        FormatError, match=r"plot\.xyz cannot be written as MatplotlibFigure: .*png"
    ):
        MatplotlibFigure().save(figure, tmp_path / "plot.xyz")
    pyplot.close(figure)

    assert list(tmp_path.iterdir()) == []
