"""New ids: random UUIDs, many at a time."""

from __future__ import annotations

import os
from io import BytesIO

from pypedream.tabular.polars_library import pl

__all__ = ["new_uuids"]

_NAME = "canonical_id"
_SIZE_BYTES = 16
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
    if not count:
        return pl.Series(_NAME, dtype=pl.String)
    # Two bytes between dashes, then without the dashes that a UUID has not, from the last on:
    # 37 letters each, of which the last is the end of a line.
    text = bytearray(f"{block.hex('-', 2)}-".encode())
    del text[34::40]
    del text[29::39]
    del text[4::38]
    text[36::37] = b"\n" * count
    # As lines they become a column at once. A list of as many texts takes twice as long.
    lines = pl.read_csv(BytesIO(text), has_header=False, new_columns=[_NAME], infer_schema=False)
    return lines.to_series()
