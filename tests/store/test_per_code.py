from __future__ import annotations

import gc
import weakref
from typing import Any

from pypedream.store import code_identity
from pypedream.store.per_code import PerCode


def test_each_code_object_is_looked_at_once() -> None:
    """The answer is kept for the code object, whichever function has it."""
    seen = []

    def find_out(code: Any) -> int:
        seen.append(code.co_name)
        return len(seen)

    counted = PerCode(find_out)
    made = [lambda: 1 for _ in range(2)]

    assert [counted.of(each.__code__) for each in made] == [1, 1]
    assert counted.of(find_out.__code__) == 2


def test_code_that_nobody_uses_is_forgotten() -> None:
    """A cell that is run again a thousand times leaves nothing behind."""
    names: dict[str, Any] = {}
    exec("import os\ndef stage(a):\n    return [os.getenv(row) for row in a]", names)
    code_identity(names["stage"])
    code = weakref.ref(names["stage"].__code__)

    del names["stage"]
    gc.collect()

    assert code() is None
