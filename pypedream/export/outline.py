"""Outline: a pipeline as whoever converts it to another system's form needs it; data only.

Every exporter reads this and nothing else of the pipeline. What it holds says what there is to
do and in which order, not how the system at the other end writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, field, frozen

from pypedream.stage import USUAL, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.files.stage_files import StageFiles
    from pypedream.over import Over
    from pypedream.places import Place

NO_DEFAULT: Final = type("NO_DEFAULT", (), {"__repr__": lambda _: "NO_DEFAULT"})()
"""Stands for the default of a parameter that has to be set."""


@frozen
class Param:
    """A parameter of the pipeline, by its dotted name.

    Attributes
    ----------
    schema
        What it accepts, as JSON schema (draft 2020-12) without title and default.
    default
        Its default as JSON has it; `NO_DEFAULT` if it must be set, or is secret.
    help
        One line.
    is_secret
        Whether its value may be written nowhere; it is read where a stage is called.
    read_by
        Of a secret the name that it is read by where a stage is called.
    varies
        Whether its default is another one each time that the module is imported.
    """

    name: str
    schema: Mapping[str, Any]
    default: Any = NO_DEFAULT
    help: str = ""
    is_secret: bool = False
    read_by: str = ""
    varies: bool = False


@frozen
class Task:
    """What another system starts, waits for and repeats: a stage, or several as one.

    Attributes
    ----------
    key
        Key of the stage; of several the name that they have together.
    reads
        Keys of the stages whose results it is called with, in order; those of its own are not
        among them.
    after
        Keys of the stages that must have ended before, and that it does not read.
    stages
        Keys of the stages that it calls, in order: its own, or several.
    over
        What the stage is mapped over; None if it is called once.
    is_conditional
        Whether a condition decides when the run is under way that it is called.
    may_be_skipped
        Whether it, or anything that it needs, is conditional, or mapped over what may be empty.
    group
        The prefix that the pipeline it comes from was included under; "" for the pipeline's own.
    about
        First line of the function's docstring.
    place
        Where the user wrote the function.
    by_value
        Those of `reads` that hand on a value, and not only files.
    parameters
        The parameters that it reads, by their dotted names; secrets are not among them.
    files
        What it reads and writes, in paths without parameters; None if that is nothing.
    """

    key: str
    reads: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    policy: Policy = USUAL
    stages: tuple[str, ...] = ()
    over: Over | None = None
    is_conditional: bool = False
    may_be_skipped: bool = False
    group: str = ""
    about: str = ""
    place: Place | None = field(default=None, eq=False)
    by_value: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    files: StageFiles | None = field(default=None, eq=False)

    @property
    def is_mapped(self) -> bool:
        """Whether it is called once for each of several items."""
        return self.over is not None

    @property
    def is_several(self) -> bool:
        """Whether it calls more than one stage."""
        return self.stages != (self.key,)


@frozen
class Outline:
    """A pipeline, ready to be written in another form.

    Attributes
    ----------
    name
        What the user calls the pipeline.
    target
        Where an interpreter finds it: "module:name".
    tasks
        By key, each after all that it needs.
    params
        The parameters by dotted name.
    about
        The docstring of the module that has the pipeline.
    fingerprint
        What the pipeline is, to be compared where it is called; "" compares nothing.
    varies
        What is another value each time that the module is imported: "stage.argument" or the
        name of a parameter.
    store
        Folder or URL of the store for values between tasks; "" if there is none.
    command
        The command line that writes the same file again.
    options
        What only one exporter understands: "schedule", "map_chunk", "project_root", ...
    """

    name: str
    target: str
    tasks: Mapping[str, Task]
    params: Mapping[str, Param] = Factory(dict)
    about: str = ""
    fingerprint: str = ""
    varies: tuple[str, ...] = ()
    store: str = ""
    command: str = ""
    options: Mapping[str, Any] = Factory(dict)

    @property
    def groups(self) -> tuple[str, ...]:
        """The prefixes of included pipelines, those around others first, without tasks' names."""
        found: dict[str, None] = {}
        for task in self.tasks.values():
            parts = task.group.split(".") if task.group else []
            found |= {".".join(parts[: count + 1]): None for count in range(len(parts))}
        return tuple(found)

    def task_of(self, stage: str) -> Task:
        """Return the task that calls a stage."""
        if stage in self.tasks:
            return self.tasks[stage]
        return next(task for task in self.tasks.values() if stage in task.stages)

    def needs(self, task: Task) -> tuple[str, ...]:
        """Return the keys of the tasks that must have ended before a task, each once."""
        keys = dict.fromkeys(self.task_of(key).key for key in (*task.reads, *task.after))
        return tuple(keys)
