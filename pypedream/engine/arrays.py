"""What is in arrays and frames, for a digest of them: checksums, and entries that are objects.

numpy and pandas are never imported: their classes come with the values. Frames are read column
by column, because pandas rearranges how it keeps columns when they are only looked at.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pypedream.engine.mutation import Reading

_BYTES_PER_LEAF = 1_600  # 16 MB of arrays weigh as much as the 10,000 leaves that are read whole
_SAMPLED_PART = 16  # what is too big for its share is read for this part of the share
# Getting at a column takes as long as reading so many leaves; at one by its position, longer.
_LEAVES_PER_COLUMN = 10
_LEAVES_PER_CHOSEN_COLUMN = 40

# Where the arrays of pandas keep what is in them. Other attributes hold what was computed.
_KEPT: Final = (
    "_ndarray",
    "_data",
    "_mask",
    "_pa_array",
    "_left",
    "_right",
    "_sparse_values",
    "_sparse_index",
    "categories",
)


def read_array(reading: Reading, base: Any, value: Any, share: int) -> object:
    """Read a numpy array; the mask of a masked array is a part of it."""
    plain = base.view(value, base)
    kind = plain.dtype
    mask = None if type(value) is base else vars(value).get("_mask")
    dtype = kind.str if kind.names is None else str(kind.descr)
    about = (dtype, plain.shape, reading.node(mask, share // 2))
    if kind.hasobject or kind.kind == "T":  # text of any length, which is kept elsewhere
        return about, reading.sequence(plain.flat, share)
    reading.spend(1 + plain.nbytes // _BYTES_PER_LEAF)
    return about, _checksum(plain, share * _BYTES_PER_LEAF)


def read_number(reading: Reading, base: Any, value: Any, _share: int) -> object:
    """Read a numpy scalar."""
    reading.spend(1)
    return base.tobytes(value)


def read_frame(reading: Reading, _base: Any, value: Any, share: int) -> object:
    """Read a data frame: names, index and columns."""
    count = len(value.columns)
    reading.spend(count * _LEAVES_PER_COLUMN)
    chosen = reading.chosen(range(count), share // _LEAVES_PER_CHOSEN_COLUMN)
    columns = _columns(value, chosen)
    return count, reading.items([value.columns, value.index, *columns], share)


def read_series(reading: Reading, _base: Any, value: Any, share: int) -> object:
    """Read a series: name, index and values."""
    return reading.items([value.name, value.index, value.array], share)


def read_index(reading: Reading, _base: Any, value: Any, share: int) -> object:
    """Read an index: names and labels. A range is not written out."""
    names = tuple(value.names)
    if hasattr(value, "levels"):
        return reading.items([names, *value.codes, *value.levels], share)
    if hasattr(value, "step"):
        return reading.items([names, value.start, value.stop, value.step], share)
    return reading.items([names, value.array], share)


def read_column(reading: Reading, _base: Any, value: Any, share: int) -> object:
    """Read the array of a column: every dtype of pandas has its own kind."""
    kept = [found for name in _KEPT if (found := getattr(value, name, None)) is not None]
    return str(value.dtype), len(value), reading.items(kept, share)


def _columns(frame: Any, positions: list[int]) -> list[Any]:
    every = getattr(frame, "_iter_column_arrays", None)  # pandas' own, twenty times as fast
    if every is not None and len(positions) == len(frame.columns):
        return list(every())
    return [frame.iloc[:, position].array for position in positions]


def read_bytes(reading: Reading, base: Any, value: Any, share: int) -> object:
    """Read a bytearray or an `array.array`."""
    from zlib import crc32

    view = memoryview(value).cast("B")
    reading.spend(1 + len(view) // _BYTES_PER_LEAF)
    step = ceil(len(view) / (share * _BYTES_PER_LEAF + 1))
    if step <= 1:
        return base.__len__(value), crc32(view)
    return base.__len__(value), crc32(view[:_BYTES_PER_LEAF]), crc32(bytes(view[::-step]))


def _checksum(plain: Any, limit_bytes: int) -> int:
    from zlib import crc32

    pieces = [plain]
    if plain.nbytes > limit_bytes:
        count = limit_bytes // _SAMPLED_PART // max(plain.itemsize, 1)
        pieces = [_thinned(plain, count, 1), _thinned(plain, count, -1)]
    checksum = 0
    for piece in pieces:
        checksum = crc32(_as_bytes(piece), checksum)
    return checksum


def _thinned(array: Any, count: int, direction: int) -> Any:
    """Keep every n-th row, and so on along the other axes, until *count* entries are left.

    It starts with the first entry, or with the last one if *direction* is -1.
    """
    size = array.size
    slices = []
    for length in array.shape:
        step = min(max(ceil(size / max(count, 1)), 1), length)
        size = size // length * ceil(length / step)
        slices.append(slice(None, None, step * direction))
    return array[tuple(slices)]


def _as_bytes(array: Any) -> Any:
    if not array.nbytes:
        return b""
    if not array.flags.c_contiguous:
        array = array.T if array.flags.f_contiguous else array.copy()
    return array.reshape(-1).view("u1")
