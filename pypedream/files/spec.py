"""What a function reads and writes, as its annotations say: plain data for all that use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from pypedream.files.reading import subject_of
from pypedream.files.templates import Known, filled, names_in, texts_of
from pypedream.values import with_what_is_set

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pypedream.files.annotations import Paths
    from pypedream.formats import Loader, Reader, Writer


@frozen(repr=False)
class FileDep:
    """Where one argument comes from.

    Attributes
    ----------
    paths
        A path, for one value; a list, for a list of values, which may hold patterns; or a tuple,
        for as many values.
    loader
        How a file is read.
    is_incremental
        Whether it is what the last run wrote. If there is no such file it is ``loader.empty()``.
    """

    paths: Paths
    loader: Reader[Any]
    is_incremental: bool = False

    __repr__ = with_what_is_set

    def files(self, root: Path) -> list[str]:
        """Return the paths of all files, each pattern as what it matches now.

        Raises
        ------
        DefinitionError
            If a file that matches has a name that cannot be used on every system.
        """
        from pypedream.files.globs import expanded
        from pypedream.files.paths import is_glob

        if not isinstance(self.paths, list):
            return list(texts_of(self.paths))
        found: dict[str, None] = {}
        for path in self.paths:
            found.update(dict.fromkeys(expanded(root, path) if is_glob(path) else [path]))
        return list(found)


@frozen(repr=False)
class FileOut:
    """Where one result goes.

    Attributes
    ----------
    path
        A path, which of a folder ends with "/"; or a list or tuple of them, for a list or tuple of
        as many values.
    loader
        How a file is written.
    kind
        "out", "metric", "plot", "incremental" or "directory".
    is_cached
        Whether the store keeps it; if not, git does.
    is_required
        Whether the function has to return it: not if its field is ``NotRequired``.
    x, y, template
        What a plot says of itself.
    """

    path: Paths
    loader: Writer[Any] | Loader[Any, Any]
    kind: str = "out"
    is_cached: bool = True
    is_required: bool = True
    x: str | None = None
    y: str | None = None
    template: str | None = None

    __repr__ = with_what_is_set


@frozen(eq=False, repr=False)
class FileSpec:
    """What a function reads and writes.

    Attributes
    ----------
    deps
        By argument.
    outs
        By field of the TypedDict that is returned, or "return".
    params
        The argument that takes the parameters of the stage, and their class; None if there is none.
    is_single
        Whether the value that is returned is the one output itself.
    params_value
        The parameters as they were registered: an instance of the class.
    warnings
        What may be a mistake, one line each.
    """

    deps: dict[str, FileDep] = field(factory=dict)
    outs: dict[str, FileOut] = field(factory=dict)
    params: tuple[str, type] | None = None
    is_single: bool = False
    params_value: Any = None
    warnings: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters in paths, those of the stage itself among them."""
        paths = [dep.paths for dep in self.deps.values()] + [out.path for out in self.outs.values()]
        return tuple(dict.fromkeys(name for path in paths for name in names_in(path)))

    @property
    def params_fields(self) -> frozenset[str]:
        """The names of the parameters of the stage itself."""
        from pypedream.files.params import fields_by_name

        return frozenset(fields_by_name(self.params_value))

    def filled(self, values: Mapping[str, Any]) -> FileSpec:
        """Return the same with each ``{name}`` in a path replaced by the value of that parameter.

        Parameters
        ----------
        values
            The parameters of the pipeline. Those of the stage itself come before them.

        Raises
        ------
        DefinitionError
            With a line for each path that cannot be made, and each pair of paths that clash then.
        """
        from pypedream.files.clashing import clashing
        from pypedream.files.params import fields_by_name
        from pypedream.files.sides import argument, output

        known = Known(fields_by_name(self.params_value), values)
        mistakes: list[str] = []
        deps = {
            name: evolve(dep, paths=_filled(argument(name), dep.paths, known, mistakes))
            for name, dep in self.deps.items()
        }
        outs = {
            name: evolve(out, path=_filled(output(name), out.path, known, mistakes))
            for name, out in self.outs.items()
        }
        if not mistakes and self.names:
            mistakes.extend(clashing(deps, outs))
        if mistakes:
            from pypedream.errors import DefinitionError

            raise DefinitionError("\n".join(mistakes))
        return evolve(self, deps=deps, outs=outs)


def spec_of(
    function: Callable[..., Any],
    *,
    params: Any = None,
    dep_path_overrides: Mapping[str, Paths] | None = None,
    out_path_overrides: Mapping[str, Paths] | None = None,
    name: str = "",
) -> FileSpec | None:
    """Return what *function* reads and writes, as its annotations say.

    Parameters
    ----------
    function
        A function, method, partial or object that can be called, async or not.
    params
        The parameters of the stage: an instance of the class that an argument is annotated with,
        the class itself, or a mapping of its fields. None: the defaults of that class.
    dep_path_overrides, out_path_overrides
        Other paths, by argument and by field; "return" is the one of a direct return annotation.
    name
        What the stage is called in messages. "": like the function.

    Returns
    -------
    None if nothing is annotated. A ``{parameter}`` in a path stays until `FileSpec.filled`.

    Raises
    ------
    PipelineConfigError
        With one line for each mistake.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pypedream.files import JSON, Dep, Metric
    >>> def count(rows: Annotated[list, Dep("rows.json", JSON())]) -> Annotated[
    ...     dict, Metric("counts.json")
    ... ]:
    ...     return {"rows": len(rows)}
    >>> spec = spec_of(count)
    >>> spec.deps["rows"].paths, spec.outs["return"].kind
    ('rows.json', 'metric')
    """
    is_told = params is not None or bool(dep_path_overrides) or bool(out_path_overrides)
    subject = subject_of(function)
    if not is_told and (subject is None or not subject.is_about_files()):
        return None
    from pypedream.files.registration import registered

    return registered(
        function,
        subject,
        params=params,
        deps=dep_path_overrides,
        outs=out_path_overrides,
        name=name,
    )


def _filled(what: str, paths: Paths, values: Mapping[str, Any], mistakes: list[str]) -> Any:
    from pypedream.errors import DefinitionError

    try:
        return filled(paths, values)
    except DefinitionError as error:
        mistakes.append(f"{what}: {error}")
        return paths
