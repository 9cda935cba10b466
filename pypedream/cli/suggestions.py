"""What a shell offers when the tab key is pressed: files, stages, parameters, tags and runs.

The pipeline is loaded for that, as for any command, but silently: whatever goes wrong then, there
is just nothing to suggest.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import click
    from click.shell_completion import CompletionItem

    from pypedream.pipeline import Pipeline


def targets(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Suggest files that define a pipeline, and folders."""
    from pypedream.cli.locate import pipeline_files

    folder, slash, start = typed.rpartition("/")
    place, before = Path(folder + slash), folder + slash
    if not place.is_dir():
        return []
    files = [path.name for path in pipeline_files(place)]
    folders = [f"{path.name}/" for path in sorted(place.iterdir()) if _is_open(path)]
    return _items(files + folders, start, before)


def stages(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Suggest the stages of the pipeline; after a comma another one."""
    before, comma, start = typed.rpartition(",")
    with _pipeline(ctx) as pipeline:
        return _items(pipeline.stages, start, before + comma)


def given(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Suggest the stages of the pipeline, up to the value."""
    with _pipeline(ctx) as pipeline:
        return _items([f"{key}=" for key in pipeline.stages], typed)


def parameters(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Suggest the parameters of the pipeline, up to the value."""
    with _pipeline(ctx) as pipeline:
        return _items([f"{name}=" for name in pipeline.parameters.definitions], typed)


def tags(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Suggest the tags of the pipeline's stages; after a comma another one."""
    before, comma, start = typed.rpartition(",")
    with _pipeline(ctx) as pipeline:
        borne = [tag for stage in pipeline.stages.values() for tag in stage.policy.tags]
        return _items(dict.fromkeys(borne), start, before + comma)


def runs(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Suggest the recorded runs, the newest first."""
    from pypedream.engine.history import LAST

    return _items([LAST, *(run.id for run in _recorded(ctx))], typed)


def batches(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Suggest the sweeps of which runs are recorded, the newest first."""
    found = (run.batch.short_id for run in _recorded(ctx) if run.batch is not None)
    return _items(dict.fromkeys(found), typed)


def targets_and_runs(
    ctx: click.Context, parameter: click.Parameter, typed: str
) -> list[CompletionItem]:
    """Suggest files that define a pipeline, folders, and the recorded runs."""
    return [*targets(ctx, parameter, typed), *runs(ctx, parameter, typed)]


def targets_and_stages(
    ctx: click.Context, parameter: click.Parameter, typed: str
) -> list[CompletionItem]:
    """Suggest files that define a pipeline, folders, and the stages that begin with a letter."""
    named = stages(ctx, parameter, typed) if typed else []
    return [*targets(ctx, parameter, typed), *named]


def recorded_stages(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Suggest the stages of the recorded run that is named, else of the newest; or their items."""
    run = _chosen_run(ctx)
    stages = () if run is None else run.stages
    stage, bracket = typed.partition("[")[:2]
    if bracket and typed not in stages:
        return _items([f"{stage}[{key}]" for key in _item_keys(run, stage)], typed)
    return _items(stages, typed)


def recorded_items(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Suggest the items of the stage that is named, else of all, that have lines of their own."""
    return _items(_item_keys(_chosen_run(ctx), ctx.params.get("stage")), typed)


def _chosen_run(ctx: click.Context) -> Any:
    """Return the recorded run that is named, else the newest; None if there is none."""
    named = str(ctx.params.get("run") or "")
    found = _recorded(ctx)
    return next((run for run in found if run.id == named), found[0] if found else None)


def _item_keys(run: Any, stage: str | None) -> list[str]:
    from pypedream.engine.history import recorded_events
    from pypedream.engine.recorded_items import item_keys
    from pypedream.errors import StoreError

    try:
        return [] if run is None else item_keys(recorded_events(run, stage=stage))
    except StoreError:
        return []


def _items(names: Iterable[str], start: str, before: str = "") -> list[CompletionItem]:
    from click.shell_completion import CompletionItem  # no command needs it

    return [CompletionItem(before + name) for name in names if name.startswith(start)]


def _is_open(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith((".", "__"))


@contextmanager
def _pipeline(ctx: click.Context) -> Iterator[Pipeline]:
    """Load the pipeline that the words so far name; an empty one if that cannot be done."""
    from pypedream.cli.load import loaded
    from pypedream.pipeline import Pipeline

    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        with redirect_stdout(nowhere), redirect_stderr(nowhere):
            try:
                with loaded(_target(ctx), debug=False) as found:
                    pipeline = found.pipeline
                    pipeline.stages.values()
            except Exception:  # noqa: BLE001 - there is nothing to suggest, and nobody to tell
                pipeline = Pipeline()
        yield pipeline


def _target(ctx: click.Context) -> str | None:
    """Return the pipeline that the words so far name; None for the usual one."""
    found: str | None = getattr(ctx.params.get("words"), "target", ctx.params.get("target"))
    return found


def _recorded(ctx: click.Context) -> list[Any]:
    from pypedream.cli.workspaces import workspace_of
    from pypedream.engine.history import recorded_runs
    from pypedream.errors import StoreError

    try:
        return list(recorded_runs(workspace_of(ctx.params.get("workspace"))))
    except StoreError:
        return []
