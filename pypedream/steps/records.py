"""Records: what a step is, written beside its results for people to read."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pypedream.context import SECRETS
from pypedream.errors import StoreError
from pypedream.log.redaction import Redactor
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pypedream.steps.program import Boundary, Program
    from pypedream.steps.step import Step

__all__ = ["text_of", "write_records"]

_MOST_STEPS = 100
_WRITTEN: Final[set[str]] = set()
"""The folders that this process has seen to."""


def write_records(program: Program, boundary: Boundary) -> None:
    """Write ``config.yaml`` and ``uid.yaml`` into the folder of a step, unless they are there.

    Both say all steps up to this one. Of a chain with very many steps they say those since the last
    one that keeps its results, and its folder.
    """
    assert boundary.paths is not None
    folder = boundary.paths.step_folder
    if str(folder) in _WRITTEN and folder.is_dir():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        name = type(program.leaves[boundary.end - 1]).__name__
        raise StoreError(
            f"{name} cannot keep results in {boundary.folder}, the folder of its infra: {error}"
        ) from error
    begin, after = _begin(program, boundary)
    leaves = program.leaves[begin : boundary.end]
    texts = [_texts(program, leaf) for leaf in leaves]
    _write(folder / "config.yaml", after, *(config for config, _ in texts))
    identity = f"identity: {boundary.position.hex()}\nsteps:\n"
    _write(folder / "uid.yaml", after, identity, *(uid for _, uid in texts))
    _WRITTEN.add(str(folder))


def _begin(program: Program, boundary: Boundary) -> tuple[int, str]:
    """Return the first step to tell, and a line about what was before."""
    if boundary.end <= _MOST_STEPS:
        return 0, ""
    earlier = [each for each in program.boundaries if each.end < boundary.end]
    if not earlier or earlier[-1].paths is None:
        return 0, ""
    return earlier[-1].end, f"# after {earlier[-1].paths.step_uid}\n"


def _texts(program: Program, leaf: Step) -> tuple[str, str]:
    """Return a step as an entry of either file; it is in those of all steps after it as well."""
    known = program.texts.get(id(leaf))
    if known is None:
        config = _entry(leaf._configuration())
        known = program.texts[id(leaf)] = config, _entry(leaf._uid())
    return known


def _entry(content: Any) -> str:
    """Return an entry of a list in YAML; without the extra for it as JSON, which is YAML too."""
    plain = json.loads(json.dumps(content, default=text_of))
    if secrets := SECRETS.get():
        plain = _hidden(plain, Redactor(secrets).text)
    try:
        import yaml
    except ModuleNotFoundError:
        return f"- {json.dumps(plain)}\n"
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump([plain], Dumper=dumper, sort_keys=False)
    return text


def _hidden(plain: Any, hide: Callable[[str], str]) -> Any:
    """Return what JSON can hold with every text in it as *hide* gives it."""
    if isinstance(plain, str):
        return hide(plain)
    if isinstance(plain, list):
        return [_hidden(each, hide) for each in plain]
    if isinstance(plain, dict):
        return {hide(name): _hidden(each, hide) for name, each in plain.items()}
    return plain


def text_of(value: Any) -> str:
    """Return what stands for a value that no file can hold, even if it cannot say what it is."""
    with suppress(Exception):
        return str(value)
    return short(value)


def _write(path: Path, *texts: str) -> None:
    if path.exists():
        return
    staged = path.with_name(f".{path.name}-{os.urandom(8).hex()}")
    staged.write_text("".join(texts), encoding="utf-8")
    os.replace(staged, path)
