"""The command ``import-dvc``: a pipeline file from a dvc.yaml."""

from __future__ import annotations

from pathlib import Path

import click

from pypedream.cli import options
from pypedream.cli.locate import USUAL_FILE
from pypedream.cli.mistakes import Refused
from pypedream.cli.terminal import say, say_json

_USUAL_SOURCE = "dvc.yaml"


@click.command("import-dvc")
@click.argument("source", default=_USUAL_SOURCE, metavar="[DVC.yaml]")
@click.option(
    "--out", default=USUAL_FILE, metavar="FILE.py", help="The file to write, pipeline.py."
)
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@options.as_json
def command(*, source: str, out: str, overwrite: bool, as_json: bool) -> None:
    """Write a pipeline file whose stages give the commands of a dvc.yaml.

    It goes beside the dvc.yaml, as paths are relative to that. Then "repro" does what "dvc repro"
    did.
    """
    from attrs import asdict

    from pypedream._extras import need
    from pypedream.export.dvc_import import module_from_dvc
    from pypedream.formats import replacing

    yaml = need("yaml", extra="yaml", for_="import-dvc")
    path = Path(source)
    target = path.parent / out
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        fix = f"name the file: import-dvc FOLDER/{_USUAL_SOURCE}"
        raise Refused(f"cannot read {source}: {error.strerror or error}; {fix}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"cannot read {source}: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise Refused(f"{source} has no stages")
    if target.exists() and not overwrite:
        raise Refused(f"{target} is there: name another file with --out, or --overwrite it")
    made = module_from_dvc(document, path.parent, path.name)
    with replacing(target) as beside:
        beside.write_text(made.text, encoding="utf-8", newline="\n")
    if as_json:
        say_json({"path": str(target), **asdict(made)})
        return
    say(f"{target}: {len(made.stages)} stages; next: python -m pypedream status")
    say(*(f"note: {note}" for note in made.notes))
