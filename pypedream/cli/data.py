"""The command ``data``: which files, and which rows of them, are not what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from pypedream.cli import options
from pypedream.cli.groups import Group
from pypedream.cli.mistakes import Refused
from pypedream.cli.project import Project
from pypedream.cli.terminal import say, say_json
from pypedream.files.data_diff import NoColumn, changed_files, row_diff
from pypedream.parameters.display import table
from pypedream.values import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.files.data_diff import FileChange, RowDiff
    from pypedream.files.revisions import Revision

_HEADING = ("state", "file", "kind", "was", "is")
_MOST = 10


@click.group("data", cls=Group, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Compare the files that stages read and write with a revision of git."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@command.command("diff", short_help="Compare with a revision.")
@options.revision
@click.option("--rows", is_flag=True, help="Also say which rows of tables changed.")
@click.option(
    "--key",
    multiple=True,
    metavar="COLUMN",
    help="Tells rows that are the same one; may be repeated. Implies --rows.",
)
@options.as_json
def diff(revision: str, rows: bool, key: tuple[str, ...], as_json: bool) -> None:
    """Show the files of stages that are not what they were in a revision of git.

    Nothing of yours is imported: the locks say which files count. With --rows what a table was
    comes from the store, or from git if that has it.
    """
    from pypedream.files.revisions import Revision

    project = Project.here()
    before = Revision(project.root, revision)
    with project.hashes() as hashes:
        changes = list(changed_files(before.locks.values(), project.locks(), hashes))
    found = _rows(project, before, changes, key) if rows or key else {}
    if as_json:
        said = [{**asdict(one), "rows": _row_data(found.get(one.path))} for one in changes]
        say_json({"revision": revision, "changes": said})
    elif changes:
        say(*table([_HEADING, *map(_row, changes)]).splitlines())
        say(*(line for path, each in found.items() for line in _row_lines(path, each)))
    else:
        say(f"the same as in {revision}")


def _row(one: FileChange) -> tuple[str, ...]:
    sizes = (one.old_bytes, one.new_bytes)
    return (
        one.state,
        one.path,
        one.kind,
        *("-" if size is None else size_text(size) for size in sizes),
    )


def _rows(
    project: Project, before: Revision, changes: Sequence[FileChange], key: Sequence[str]
) -> dict[str, RowDiff]:
    found, without = {}, []
    with project.store(readonly=True) as store:
        for one in changes:
            file = project.root / one.path
            if one.state != "modified" or not file.is_file():
                continue
            was = before.output(one.path, store)
            if was is None:
                say(f"note: nobody has kept what {one.path} was", err=True)
                continue
            now = file.read_bytes()
            try:
                rows = row_diff(one.path, was, now, key)
            except NoColumn as error:  # another table has it
                without.append(str(error))
                rows = row_diff(one.path, was, now)
            except ValueError as error:
                raise Refused(str(error)) from None
            if rows is not None:
                found[one.path] = rows
    if without and len(without) == len(found):
        raise Refused(*without)
    return found


def _row_lines(path: str, rows: RowDiff) -> Iterator[str]:
    yield (
        f"{path}: {len(rows.added)} {'row' if len(rows.added) == 1 else 'rows'} added,"
        f" {len(rows.removed)} removed,"
        f" {len(rows.changed)} changed"
    )
    yield from (f"  + column {name}" for name in rows.columns_added)
    yield from (f"  - column {name}" for name in rows.columns_removed)
    lines = [f"  + {_text(row)}" for row in rows.added]
    lines += [f"  - {_text(row)}" for row in rows.removed]
    for old, new in rows.changed:
        same = {name: value for name, value in new.items() if old.get(name) == value}
        old_part = {name: value for name, value in old.items() if name not in same}
        new_part = {name: value for name, value in new.items() if name not in same}
        lines.append(f"  ~ {_text(same)}: {_text(old_part)} -> {_text(new_part)}")
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"  and {len(lines) - _MOST} more; --json has all"


def _text(row: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in row.items())


def _row_data(rows: RowDiff | None) -> dict[str, Any] | None:
    return None if rows is None else asdict(rows)
