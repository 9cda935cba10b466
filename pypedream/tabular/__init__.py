"""Tables: ingest with checks, steps over files, quarantine, statistics, stable identities.

A dialect of pipelines for files of rows: what comes in is checked and told row by row, and no row
gets lost without a word. A name is loaded when it is first used; most of them need the extra
``tabular``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream._lazy import lazy_names

if TYPE_CHECKING:
    from pypedream.tabular.astro_file import AstroFile, AstroFileSpec
    from pypedream.tabular.filters import FilterFn
    from pypedream.tabular.ingest import IngestedFile, ingest_file
    from pypedream.tabular.manifest import FileRows, Manifest, RunStatus, StepStatus
    from pypedream.tabular.matching import match_files
    from pypedream.tabular.models import (
        ExecutionMode,
        IngestedFileRecord,
        IngestedSource,
        IngestFileSpec,
        StepExecutionMode,
    )
    from pypedream.tabular.pipeline import Pipeline
    from pypedream.tabular.quarantine import StepQuarantine
    from pypedream.tabular.resolver import CanonicalIdResolver
    from pypedream.tabular.row_ledger import (
        LedgerLine,
        Movement,
        MovementKind,
        RowLedger,
        ledgers_of,
    )
    from pypedream.tabular.rule_results import FileRules, RuleResult
    from pypedream.tabular.run_report import RunReport, report_of
    from pypedream.tabular.services import FILES, QUARANTINED, STATS
    from pypedream.tabular.stat_store import StatisticsStore
    from pypedream.tabular.stats import StatisticsRecorder, StatRecord, StatScope
    from pypedream.tabular.steps import StepContext, StepDefinition, StepKind, slugify_step_label

_HOMES: dict[str, str] = {
    "AstroFile": "astro_file",
    "AstroFileSpec": "astro_file",
    "CanonicalIdResolver": "resolver",
    "ExecutionMode": "models",
    "FILES": "services",
    "FileRows": "manifest",
    "FileRules": "rule_results",
    "FilterFn": "filters",
    "IngestFileSpec": "models",
    "IngestedFile": "ingest",
    "IngestedFileRecord": "models",
    "IngestedSource": "models",
    "LedgerLine": "row_ledger",
    "Manifest": "manifest",
    "Movement": "row_ledger",
    "MovementKind": "row_ledger",
    "Pipeline": "pipeline",
    "QUARANTINED": "services",
    "RowLedger": "row_ledger",
    "RuleResult": "rule_results",
    "RunReport": "run_report",
    "RunStatus": "manifest",
    "STATS": "services",
    "StatRecord": "stats",
    "StatScope": "stats",
    "StatisticsRecorder": "stats",
    "StatisticsStore": "stat_store",
    "StepContext": "steps",
    "StepDefinition": "steps",
    "StepExecutionMode": "models",
    "StepKind": "steps",
    "StepQuarantine": "quarantine",
    "StepStatus": "manifest",
    "ingest_file": "ingest",
    "ledgers_of": "row_ledger",
    "match_files": "matching",
    "report_of": "run_report",
    "slugify_step_label": "steps",
}

__all__ = [
    "FILES",
    "QUARANTINED",
    "STATS",
    "AstroFile",
    "AstroFileSpec",
    "CanonicalIdResolver",
    "ExecutionMode",
    "FileRows",
    "FileRules",
    "FilterFn",
    "IngestFileSpec",
    "IngestedFile",
    "IngestedFileRecord",
    "IngestedSource",
    "LedgerLine",
    "Manifest",
    "Movement",
    "MovementKind",
    "Pipeline",
    "RowLedger",
    "RuleResult",
    "RunReport",
    "RunStatus",
    "StatRecord",
    "StatScope",
    "StatisticsRecorder",
    "StatisticsStore",
    "StepContext",
    "StepDefinition",
    "StepExecutionMode",
    "StepKind",
    "StepQuarantine",
    "StepStatus",
    "ingest_file",
    "ledgers_of",
    "match_files",
    "report_of",
    "slugify_step_label",
]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
