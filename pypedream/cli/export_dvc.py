"""The command ``export dvc``: a pipeline of files as a dvc.yaml."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pypedream.cli import options
from pypedream.cli.load import loaded
from pypedream.cli.locate import target_of
from pypedream.cli.terminal import say, say_json, stdout_kept_free

if TYPE_CHECKING:
    from pypedream.cli.load import Loaded


@click.command("dvc", short_help="Write a dvc.yaml for DVC.")
@options.target
@click.option("--out", metavar="FILE.yaml", help="The file to write, in place of stdout.")
@click.option("--overwrite", is_flag=True, help="Replace a file that was changed by hand, too.")
@click.option("--validate", is_flag=True, help="Let DVC read it before it is written.")
@click.option("--dvc", metavar="PATH", default="", help="The dvc program, for --validate.")
@options.as_json
def dvc(
    *,
    target: str | None,
    debug: bool,
    out: str | None,
    overwrite: bool,
    validate: bool,
    dvc: str,
    as_json: bool,
) -> None:
    """Write a pipeline of files as a dvc.yaml, whose stages call pypedream.

    Parameters go into dvc-params.json beside it. It goes to stdout unless --out names a file.
    """
    from pypedream.export.dvc_files import check_with_dvc, for_dvc

    with stdout_kept_free(), loaded(target, debug=debug) as found:
        made = for_dvc(found.pipeline, _from_root(target, found))
    if validate:
        check_with_dvc(made, dvc)
    if out:
        made.write(Path(out), overwrite=overwrite)
    if as_json:
        data = {"pipeline": found.pipeline.name, "path": out or "", "stages": made.names}
        say_json({**data, "text": made.text, "parameters": made.parameters, "checked": validate})
    elif out:
        checked = ", which DVC reads as it is meant" if validate else ""
        say(f"{out}: {len(made.names)} stages{checked}")
    else:
        say(*made.text.splitlines())


def _from_root(target: str | None, found: Loaded) -> str:
    """Return where the pipeline is from the root of its project; "" if it is found by itself."""
    if target is None:
        return ""
    one = target_of(target)
    root = os.path.dirname(found.pipeline.blueprint.state) or str(found.folder)
    place = one.module if one.file is None else os.path.relpath(one.file, root).replace(os.sep, "/")
    return f"{place}:{one.name}" if one.name else place
