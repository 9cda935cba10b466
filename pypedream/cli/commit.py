"""The command ``commit``: outputs that are there count as those of the stages as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pypedream.cli import options
from pypedream.cli.carry_out import recording
from pypedream.cli.load import loaded
from pypedream.cli.terminal import say, say_json, stdout_kept_free
from pypedream.cli.values import parameters_of
from pypedream.cli.words import stages_meant, words

if TYPE_CHECKING:
    from pypedream.cli.words import Words


@click.command("commit")
@words
@options.parameters
@options.workspace
@options.as_json
def command(
    *,
    words: Words,
    debug: bool,
    texts: dict[str, str],
    file: str | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Say that the outputs of STAGEs, as they are now, are what these and what they need give.

    As after a file was made by hand, or code was changed without another meaning. They are put
    into the store, and "repro" calls nothing then. If an output is missing nothing is kept.
    """
    from pypedream.engine.commit import commit
    from pypedream.engine.gone_locks import gone_locks

    with stdout_kept_free(), loaded(words.target, debug=debug) as found:
        values = parameters_of(found.pipeline, texts, file).settings
        asked = {
            **options.request({"until": stages_meant(words, found.pipeline.stages)}),
            **recording(found, workspace),
        }
        committed = commit(found.pipeline, {**values, **asked})
        gone = gone_locks(found.pipeline.blueprint)
    if as_json:
        data = {"committed": committed, "gone": [one.stage for one in gone]}
        say_json({"pipeline": found.pipeline.name, **data})
        return
    say(*(f"note: {one}" for one in gone), err=True)
    if committed:
        say(*(f"committed {key}" for key in committed))
    else:
        say("nothing to commit: every output that is there is kept already")
