"""What is run under Airflow and here, and must be the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

# What workers have in their environment; the values are the defaults of the workflows.
SECRETS = {"PYPEDREAM_PARAM_TOKEN": "not-so-secret", "PYPEDREAM_PARAM_KEY": "abcd-1234-efgh"}


class Case(NamedTuple):
    """One run of one workflow.

    Attributes
    ----------
    target
        "module:name" of the pipeline; the module is in `workflows` or beside a notebook.
    conf
        What Airflow is triggered with.
    values
        What the run here is given, if that is no JSON: a name in the module.
    only
        The stages whose values can be compared; empty for all.
    state
        What becomes of the run.
    is_compared
        Whether a run here corresponds to it.
    grouped
        The prefix of an included pipeline that is one task.
    """

    target: str
    conf: Mapping[str, Any] = {}
    values: str = ""
    only: tuple[str, ...] = ()
    state: str = "success"
    is_compared: bool = True
    grouped: str = ""

    @property
    def name(self) -> str:
        """What the case is called, by which tests find it."""
        conf = ",".join(f"{key}={value}" for key, value in self.conf.items())
        return f"{self.dag_id}({conf})"

    @property
    def dag_id(self) -> str:
        """The name of its DAG."""
        name = self.target.replace(":", ".")
        return f"{name}.{self.grouped}" if self.grouped else name


# Airflow lets it pass, and the first task refuses it.
UNKNOWN = Case("shapes:linear", {"m": 1}, state="failed", is_compared=False)
CASES = (
    Case("mymodule:pipeline"),
    Case("mymodule:pipeline", {"source1": "x"}),
    Case("mauna_loa:flow"),
    Case("mauna_loa:flow", {"first_year": 1980, "last_year": 1990, "max_gap_weeks": 0}),
    Case("shapes:linear"),
    Case("shapes:linear", {"n": 0}),
    Case("shapes:diamond"),
    Case("shapes:included"),
    Case("shapes:included", {"strict.limit": 3, "silver.bronze.limit": 30}),
    Case("shapes:included", grouped="silver"),
    Case("maps:outer"),
    Case("maps:outer", {"part.n": 0}),
    Case("maps:outer", {"part.n": 4}, grouped="part"),
    Case("maps:squares"),
    Case("maps:squares", {"n": 0}),
    Case("maps:squares", {"n": 1}),
    Case("maps:variants"),
    Case("maps:variants", {"names": [], "files": {}, "sizes": [], "rows": []}),
    Case("maps:many"),  # far more items than Airflow makes tasks of one stage
    Case("maps:endings"),
    Case("maps:ended"),
    Case("maps:ended", {"stop": False}),
    Case("conditions:chosen"),
    Case("conditions:chosen", {"thorough": True, "n": 2}),
    Case("conditions:chosen", {"thorough": True, "n": 0}),
    Case("conditions:flaky"),
    Case("conditions:flaky_items"),
    Case("conditions:flaky_items", {"n": 50}),
    Case("conditions:hopeless", state="failed"),
    Case("conditions:failing", state="failed"),
    Case("conditions:failing", {"divisor": 2}),
    Case("manners:flow", {"start": 3}),
    Case("manners:flow", {"start": 1, "how": "first", "is_quick": True, "scale": 5}),
    Case("kinds:values"),
    Case("kinds:parameters"),
    Case("kinds:parameters", {"rate": 2, "model.depth": 9}, values="WHOLE"),
    Case(
        "kinds:parameters",
        {
            "day": "2026-01-02",
            "moment": "2026-01-02T03:04:05+00:00",
            "method": "median",
            "grade": "BAD",
            "count": 10,
            "limit": 7,
            "names": [],
            "renames": {},
            "is_thorough": True,
        },
        values="OTHERS",
    ),
    Case("kinds:now", only=("same",)),
    Case("filed:flow", {"n": 5}),
    Case("tables:frames"),
    Case("tables:frames", {"rows": 0}),
    Case("talking:flow"),
    Case("talking:far"),
    UNKNOWN,
)
# The part that says most: it is run for every change.
SMOKE = (Case("maps:squares"), Case("conditions:chosen", {"thorough": True, "n": 2}))
