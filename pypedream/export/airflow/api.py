"""What tasks need of Airflow, wherever this version of it has that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping

USUAL_MOST: int = 1024


def context() -> Mapping[str, Any]:
    """Return what Airflow knows of the task that is running."""
    try:  # Airflow 3
        from airflow.sdk import get_current_context
    except ImportError:  # Airflow 2.9 to 2.11
        from airflow.operators.python import get_current_context
    found: Mapping[str, Any] = get_current_context()
    return found


def skip(why: str) -> NoReturn:
    """End the task as passed over."""
    try:
        from airflow.sdk.exceptions import AirflowSkipException
    except ImportError:
        from airflow.exceptions import AirflowSkipException
    raise AirflowSkipException(why)


def fail(why: str, cause: BaseException) -> NoReturn:
    """End the task as failed for good."""
    try:
        from airflow.sdk.exceptions import AirflowFailException
    except ImportError:
        from airflow.exceptions import AirflowFailException
    raise AirflowFailException(why) from cause


def variable(name: str) -> str | None:
    """Return an Airflow Variable; None if there is none of this name."""
    try:
        from airflow.sdk import Variable
    except ImportError:
        from airflow.models import Variable
    found: str | None = Variable.get(name, None)
    return found


def most_mapped() -> int:
    """Return how many tasks Airflow makes of a mapped one."""
    from airflow.configuration import conf

    return int(conf.getint("core", "max_map_length", fallback=USUAL_MOST))
