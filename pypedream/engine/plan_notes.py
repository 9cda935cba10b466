"""Notes on a plan: what a run will do otherwise than a reader of the pipeline might think."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pypedream.executors.recognition import gives_out_resources, is_remote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.engine.options import Options
    from pypedream.engine.plan import Plan
    from pypedream.engine.wiring import Wire

RESOURCES: Final = ("cpus", "mem_gb", "gpus", "timeout_min")


def policy_notes(plan: Plan) -> list[str]:
    """Return what stages ask for and do not get where they are called."""
    wires = plan.blueprint.wiring.wires
    chosen = [wired for key, wired in wires.items() if key in plan.chosen]
    return [*_time_limits(chosen, plan.options), *_resources(chosen, plan.options)]


def _time_limits(chosen: list[Wire], options: Options) -> Iterator[str]:
    """Note limits that nobody can enforce; coroutines and other processes can be ended."""
    for wired in chosen:
        limit = wired.stage.policy.timeout_s
        if limit is not None and not (wired.is_async or is_remote(_executor(wired, options))):
            each = "" if wired.over is None else "each item of "
            yield (
                f'timeout_s={limit:g} of {each}stage "{wired.key}" cannot be enforced in this'
                ' process: executor="processes" would; the run says when it is over its time'
            )


def _resources(chosen: list[Wire], options: Options) -> Iterator[str]:
    """Note, once for all stages, what is asked of executors that have no such thing to give."""
    asked: dict[str, None] = {}
    keys = []
    for wired in chosen:
        names = [name for name in RESOURCES if getattr(wired.stage.policy, name) is not None]
        if names and (wired.is_async or not gives_out_resources(_executor(wired, options))):
            asked.update(dict.fromkeys(names))
            keys.append(f'"{wired.key}"')
    if keys:
        named = ", ".join(f"{name}=" for name in RESOURCES if name in asked)
        of = f"stage {keys[0]}" if len(keys) == 1 else f"stages {', '.join(keys)}"
        yield (
            f"{named} of {of}: nothing is reserved, as only Dask, Ray and Slurm give out such"
            " things; uses= and limits= keep stages from having one at the same time"
        )


def _executor(wired: Wire, options: Options) -> object:
    executor = wired.stage.policy.executor
    return options.executor if executor is None else executor
