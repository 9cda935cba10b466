"""Form: the parameters of a pipeline to be filled in, and buttons to plan, run and stop it.

What a form says is kept here, without anything on a screen; `form_panel` shows it by ipywidgets.
Where these are missing, or there is no notebook, a form says how to get them, and in code what it
would do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream._extras import why_missing
from pypedream._lazy import shown_as
from pypedream.engine.options import NAMES
from pypedream.engine.problem import Problem
from pypedream.engine.request import SOURCE, request_of
from pypedream.engine.selection import SELECTION
from pypedream.errors import ParameterError, PlanError
from pypedream.places import name_at_prompt, running_kernel
from pypedream.view.fields import HIDDEN, fields_of
from pypedream.view.filled import FORM, Filled, code_of, filled
from pypedream.view.html_objects import form_html

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.engine.handle import RunHandle
    from pypedream.engine.plan import Plan
    from pypedream.engine.run import Run
    from pypedream.parameters import Parameters
    from pypedream.pipeline import Pipeline
    from pypedream.view.form_panel import Panel


class Form:
    """The parameters of one pipeline, to be filled in and run with, as often as one likes.

    As the last line of a cell it shows itself. Runs go on in a thread, so other cells can be
    called meanwhile.

    Attributes
    ----------
    run
        The last run that was begun with the button; None before the first.
    entered
        What is entered by name of the parameter, as `pypedream.view.fields.Field` has it.
    """

    def __init__(
        self, pipeline: Pipeline, parameters: Parameters, options: Mapping[str, Any]
    ) -> None:
        self.pipeline = pipeline
        self.run: Run | None = None
        self.entered: dict[str, Any] = {}
        self._options = options
        self._called = self._called_now()
        self._panel: Panel | None = None
        self._begin_with(parameters)

    def _begin_with(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self.fields = fields_of(parameters)

    @property
    def values(self) -> dict[str, Any]:
        """The values of all parameters that have one, by dotted name.

        ``flow.run(form.values)`` runs with what is filled in.

        Raises
        ------
        ParameterError
            If something that is entered is not accepted, with a line for each mistake.
        """
        __tracebackhide__ = True
        now = self.filled()
        if now.mistakes or now.refused:
            raise ParameterError(now.trouble)
        return dict(now.parameters.given)

    @property
    def code(self) -> str:
        """The Python that does what the button does: ``flow.run(rate=0.2)``."""
        return code_of(self.filled().parameters, self._options, self._name())

    @property
    def is_outdated(self) -> bool:
        """Whether the user's cells have another pipeline in place of this form's.

        They have when the cell that defines it was run again: to run the old one, with its old
        functions, is not what a click is meant to do then.
        """
        return self._called is not None and self._called_now() is None

    def filled(self) -> Filled:
        """Read the form as it is filled in now."""
        return filled(self._parameters, self.fields, self.entered)

    def plan(self) -> Plan:
        """Plan a run with what is filled in.

        Raises
        ------
        PlanError
            If the pipeline cannot run.
        """
        return self.pipeline.plan(self.filled().parameters, **self._options)

    def start(self, **options: Any) -> RunHandle:
        """Start a run with what is filled in; it goes on in a thread.

        Parameters
        ----------
        options
            As for `Pipeline.run`; they win over those of the form.

        Raises
        ------
        PlanError
            If the pipeline cannot run.
        """
        parameters = self.filled().parameters
        handle = self.pipeline.start(parameters, **{**self._options, **options})
        self.run = handle.run
        self._take_secrets(parameters)
        return handle

    def __repr__(self) -> str:
        lines = [f'form of pipeline "{self.pipeline.name}"']
        if self.fields:
            lines += [f"  {line}" for line in repr(self.filled().parameters).splitlines()]
        lines += [f"{self._why()} In code it is:", *_indented(self._whole_code())]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)

    def page(self) -> str:
        """Return what there is of the form where it cannot be filled in, as HTML."""
        parameters = self.filled().parameters
        return form_html(self.pipeline.name, parameters, self._why(), self._whole_code())

    def _ipython_display_(self) -> None:
        """Show the form; where that cannot be, IPython takes the other two."""
        if self._why_missing() or running_kernel() is None:
            raise NotImplementedError
        if self._panel is None:
            from pypedream.view.form_panel import Panel

            self._panel = Panel(self)
        self._panel.display()

    def _take_secrets(self, parameters: Parameters) -> None:
        """Keep what was entered as a secret here, so that it need not stay on the screen."""
        secrets = {
            field.name: parameters.given[field.name]
            for field in self.fields
            if field.kind == HIDDEN and self.entered.get(field.name)
        }
        if secrets:
            self._begin_with(self._parameters.with_values(secrets, source=FORM))
            for name in secrets:
                del self.entered[name]

    def _why(self) -> str:
        return self._why_missing() or "It can be filled in where Jupyter shows it."

    def _why_missing(self) -> str:
        missing = why_missing("ipywidgets", extra="notebook", for_=f"{self._name()}.form()")
        return missing and f"{missing}."

    def _whole_code(self) -> str:
        return code_of(self.filled().parameters, self._options, self._name(), is_whole=True)

    def _called_now(self) -> str | None:
        """Return what the user's cells call the pipeline; None if they know it no more."""
        return name_at_prompt(lambda each: each is self.pipeline)

    def _name(self) -> str:
        """Return what the user calls the pipeline."""
        called = self._called_now()
        return called or self._called or "pipeline"


def form_of(
    pipeline: Pipeline, values: Mapping[str, Any] | None, request: Mapping[str, Any]
) -> Form:
    """Return a form; arguments as for `Pipeline.run`.

    Raises
    ------
    PlanError
        If a value to begin with, or one of the environment, is not accepted.
    """
    asked = request_of(values, request)
    problems = list(asked.problems)
    start = asked.start
    try:
        if start is None:
            start = pipeline.parameters.with_environment()
        start = start.with_values(asked.values, source=SOURCE)
    except ParameterError as error:
        problems.extend(map(Problem, str(error).splitlines()))
    if problems or start is None:
        raise PlanError(pipeline.name, problems)
    known = (*NAMES, *SELECTION)
    options = {name: value for name, value in request.items() if name in known}
    return Form(pipeline, start, options)


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]
