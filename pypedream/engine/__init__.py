"""The machine: wiring, plan, scheduler, executors, record."""

from __future__ import annotations
