"""What is here is for type checkers only; test_typing.py hands it to one."""

from __future__ import annotations

collect_ignore = ["api.py"]
