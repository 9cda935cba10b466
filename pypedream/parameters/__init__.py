"""What a user sets before a run, and what stages may change while it runs.

`Parameters` are fixed once a run begins; one definition serves notebook, command line, files and
environment. `Variables` belong to one run and change through its context.
"""

from __future__ import annotations

from pypedream.parameters.definition import Parameter
from pypedream.parameters.secret import Secret
from pypedream.parameters.table import Parameters
from pypedream.parameters.variables import RunVariables, Variables

__all__ = ["Parameter", "Parameters", "RunVariables", "Secret", "Variables"]
