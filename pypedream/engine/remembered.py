"""Remembered: what a pipeline found out in its last plan and need not find out again.

Nothing here is believed without a look: a call counts while the code and the inputs are the same
objects, a result while the files of the store's index are as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import Factory, define

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.engine.calls import Call
    from pypedream.store.identity import CodeIdentity
    from pypedream.store.results import Result


@define(eq=False, repr=False)
class Remembered:
    """What the plans of one pipeline share.

    Attributes
    ----------
    calls
        From stage to the identity of its code, the digests of its inputs, and the call of these.
    codes
        From stage to the identity of its function, what else counts as its code, and of both.
    lines
        From stage to a call, its kept result, and the line that records both.
    texts, block
        The lines of the last plan, and all of them in one.
    results
        From key to the result that is kept under it.
    mark
        Of which store the results are, and in which state.
    """

    calls: dict[str, tuple[CodeIdentity, tuple[str, ...], Call]] = Factory(dict)
    codes: dict[str, tuple[CodeIdentity, Mapping[str, str], CodeIdentity]] = Factory(dict)
    lines: dict[str, tuple[Call, Result, str]] = Factory(dict)
    texts: list[str] = Factory(list)
    block: str = ""
    results: dict[str, Result] = Factory(dict)
    mark: object = None
