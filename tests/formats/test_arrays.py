"""NPY gives back arrays exactly and never runs code."""

from __future__ import annotations

import pickle
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import FormatError
from pypedream.formats import NPY, pick_serializer

numpy = pytest.importorskip("numpy")
hypothesis_numpy = pytest.importorskip("hypothesis.extra.numpy")

from hypothesis import HealthCheck, given, settings  # noqa: E402

reuse = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
DTYPES = (
    hypothesis_numpy.scalar_dtypes()
    | hypothesis_numpy.unicode_string_dtypes()
    | hypothesis_numpy.byte_string_dtypes()
    | hypothesis_numpy.array_dtypes()
)


def same(left: Any, right: Any) -> bool:
    return bool(
        type(left) is type(right)
        and left.dtype == right.dtype
        and left.shape == right.shape
        and left.tobytes() == right.tobytes()
    )


@reuse
@given(array=hypothesis_numpy.arrays(DTYPES, hypothesis_numpy.array_shapes(min_dims=0, min_side=0)))
def test_an_array_comes_back_bit_by_bit(tmp_path: Path, array: Any) -> None:
    """load(save(x)) has the values, dtype, byte order and shape of x."""
    NPY().save(array, tmp_path / "x.npy")

    assert same(NPY().load(tmp_path / "x.npy"), array)
    assert pick_serializer(array) == "npy"


@reuse
@given(array=hypothesis_numpy.arrays(DTYPES, hypothesis_numpy.array_shapes(min_dims=0, min_side=0)))
@pytest.mark.parametrize("order", ["as it is", "turned", "every second"])
def test_without_a_file_the_bytes_are_the_same(tmp_path: Path, array: Any, order: str) -> None:
    """However it lies in memory, what is written to an open file is what save writes."""
    ways = {"as it is": array, "turned": array.T, "every second": array[::2] if array.ndim else 0}
    array = numpy.asarray(ways[order])
    file = BytesIO()
    NPY().save(array, tmp_path / "x.npy")
    NPY().dump_to(array, file)

    assert file.getvalue() == (tmp_path / "x.npy").read_bytes()
    assert same(NPY().loads(file.getvalue()), array)


def test_bytes_are_mapped_as_a_file_is() -> None:
    """Nobody writes to what is mapped to be read; a copy is one's own."""
    file = BytesIO()
    NPY().dump_to(numpy.arange(3), file)

    assert not NPY(mmap_mode="r").loads(file.getvalue()).flags.writeable
    assert NPY(mmap_mode="c").loads(file.getvalue()).flags.writeable
    with pytest.raises(FormatError, match=r"^the value cannot be read as NPY"):
        NPY().loads(file.getvalue()[:-1])
    with pytest.raises(FormatError, match=r"^the value cannot be written as NPY.*holds objects"):
        NPY().dump_to(numpy.array([{}], dtype=object), BytesIO())


def test_an_ending_is_not_added(tmp_path: Path) -> None:
    """The file is at the path that was given, whatever it ends with."""
    NPY().save(numpy.arange(3), tmp_path / "x.dat")

    assert [path.name for path in tmp_path.iterdir()] == ["x.dat"]


def test_objects_are_refused(tmp_path: Path) -> None:
    """An array of objects could only be a pickle."""
    array = numpy.array([{}], dtype=object)

    with pytest.raises(FormatError, match=r"dtype object holds objects; use Pickle\(\)"):
        NPY().save(array, tmp_path / "x.npy")
    assert pick_serializer(array) == "pickle"


def test_a_mask_is_not_lost(tmp_path: Path) -> None:
    """A masked array is refused rather than written without its mask."""
    array = numpy.ma.array([1, 2], mask=[True, False])

    with pytest.raises(FormatError, match=r"the mask of an array would be lost; use Pickle\(\)"):
        NPY().save(array, tmp_path / "x.npy")
    assert pick_serializer(array) == "pickle"


class Trap:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("code ran",))


def test_a_pickle_in_disguise_is_not_loaded(tmp_path: Path) -> None:
    """Neither a pickle nor an array of objects in a .npy file is read."""
    (tmp_path / "x.npy").write_bytes(pickle.dumps(Trap()))
    numpy.save(tmp_path / "y.npy", numpy.array([Trap()], dtype=object), allow_pickle=True)

    for name in ("x.npy", "y.npy"):
        with pytest.raises(FormatError, match=rf"{name} cannot be read as NPY"):
            NPY().load(tmp_path / name)


def test_an_array_can_stay_in_the_file(tmp_path: Path) -> None:
    """With mmap_mode nothing is read until it is used."""
    NPY().save(numpy.arange(3), tmp_path / "x.npy")

    array = NPY(mmap_mode="r").load(tmp_path / "x.npy")

    assert isinstance(array, numpy.memmap)
    assert array.tolist() == [0, 1, 2]


def test_scalars_of_numpy_keep_their_type() -> None:
    """A number of numpy is no JSON number and no array, so it is a pickle."""
    assert pick_serializer(numpy.float64(1)) == "pickle"
    assert pick_serializer([numpy.int64(1)]) == "pickle"
