"""The command ``repro`` without options: mostly there is nothing to do, and little is loaded.

It is given after each save and in each commit hook, and mostly nothing has changed. So that is
asked first, without an engine or a log; and a parser for options is not needed at all.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import pypedream.engine.at_rest
import pypedream.files.annotations
import pypedream.files.project
import pypedream.files.registration
import pypedream.formats.json_files  # noqa: F401 - what is loaded here is loaded for good
from pypedream.cli import INTERRUPTED, OK, loading
from pypedream.cli.load import loaded
from pypedream.cli.mistakes import report
from pypedream.errors import PypedreamError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypedream.engine.at_rest import Rest

QUIET: Final = frozenset(("-q", "--quiet"))


def repro(words: Sequence[str]) -> int:
    """Give ``repro`` without any option but ``-q``; return the exit code."""
    try:
        with loaded(None, debug=False, is_kept=True) as found:
            rest, is_quiet = found.pipeline.rest, not QUIET.isdisjoint(words)
            if rest.holds():
                found.keep()
                return said_at_rest(rest, is_quiet=is_quiet)
            with loading():
                from pypedream.cli.up_to_date import bring
            return bring(found, rest, is_quiet=is_quiet)
    except PypedreamError as error:
        return report(error)
    except BrokenPipeError:
        from pypedream.cli.terminal import let_go_of_stdout

        let_go_of_stdout()
        return OK
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return INTERRUPTED


def said_at_rest(rest: Rest, *, is_quiet: bool) -> int:
    """Write the last line of a run for which there was nothing to do; return the exit code."""
    if not is_quiet:
        from pypedream.cli.terminal import say_state
        from pypedream.log.durations import duration_text

        count = len(rest.table.stages)
        stages = "1 stage" if count == 1 else f"{count} stages"
        say_state("ok", f"in {duration_text(rest.took_s)}, {stages}, {count} reused")
    return OK
