"""Tables: ingest with checks, steps over files, quarantine, statistics, stable identities.

A dialect of pipelines for files of rows: what comes in is checked and told row by row, and no row
gets lost without a word. A name is loaded when it is first used; most of them need the extra
``tabular``.
"""

from __future__ import annotations

from pypedream._lazy import lazy_names

_HOMES: dict[str, str] = {
    "CanonicalIdResolver": "resolver",
    "ExecutionMode": "models",
    "FileRules": "rule_results",
    "IngestFileSpec": "models",
    "IngestedFileRecord": "models",
    "IngestedSource": "models",
    "LedgerLine": "row_ledger",
    "Movement": "row_ledger",
    "MovementKind": "row_ledger",
    "RowLedger": "row_ledger",
    "RuleResult": "rule_results",
    "RunReport": "run_report",
    "StatRecord": "stats",
    "StatScope": "stats",
    "StatisticsRecorder": "stats",
    "StatisticsStore": "stat_store",
    "StepExecutionMode": "models",
    "ledgers_of": "row_ledger",
    "match_files": "matching",
    "report_of": "run_report",
}

__all__ = [
    "CanonicalIdResolver",
    "ExecutionMode",
    "FileRules",
    "IngestFileSpec",
    "IngestedFileRecord",
    "IngestedSource",
    "LedgerLine",
    "Movement",
    "MovementKind",
    "RowLedger",
    "RuleResult",
    "RunReport",
    "StatRecord",
    "StatScope",
    "StatisticsRecorder",
    "StatisticsStore",
    "StepExecutionMode",
    "ledgers_of",
    "match_files",
    "report_of",
]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
