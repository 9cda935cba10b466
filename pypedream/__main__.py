"""``python -m pypedream``: the command line."""

from __future__ import annotations

from pypedream.cli import main

if __name__ == "__main__":
    main()
