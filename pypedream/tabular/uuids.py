"""New ids: random UUIDs, many at a time."""

from __future__ import annotations

import os

from pypedream.tabular.polars_library import pl

__all__ = ["new_uuids"]

_SIZE_BYTES = 16
_DIGITS = 2 * _SIZE_BYTES
_PARTS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
_VERSION_4 = bytes(0x40 | byte & 0x0F for byte in range(256))
_VARIANT = bytes(0x80 | byte & 0x3F for byte in range(256))


def new_uuids(count: int) -> pl.Series:
    """Return random ids, as ``str(uuid4())`` gives one; the system is asked for all at once.

    Examples
    --------
    >>> from uuid import UUID
    >>> {(UUID(text).version, len(text)) for text in new_uuids(3)}
    {(4, 36)}
    """
    block = bytearray(os.urandom(count * _SIZE_BYTES))
    block[6::_SIZE_BYTES] = block[6::_SIZE_BYTES].translate(_VERSION_4)
    block[8::_SIZE_BYTES] = block[8::_SIZE_BYTES].translate(_VARIANT)
    text = block.hex()
    digits = pl.Series(
        "canonical_id",
        [text[start : start + _DIGITS] for start in range(0, len(text), _DIGITS)],
        dtype=pl.String,
    )
    parts = [pl.col(digits.name).str.slice(start, length) for start, length in _PARTS]
    return digits.to_frame().select(pl.concat_str(parts, separator="-")).to_series()
