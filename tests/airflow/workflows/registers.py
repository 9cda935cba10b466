"""A register of tables: what comes in is in the folder beside it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pandera.polars as pa
import polars as pl

from pypedream import Parameters
from pypedream.tabular import CanonicalIdResolver, IngestFileSpec, Pipeline

SCHEMA = pa.DataFrameSchema(
    {"id": pa.Column(str), "pupils": pa.Column(int, pa.Check.ge(0), nullable=True)}
)


class Register(Pipeline):
    name = "register"
    parameters = Parameters.define(source=str(Path(__file__).parent / "inbox"))
    ingest_files: ClassVar = [
        IngestFileSpec("schools", "schools.csv", SCHEMA, "cp1252", on_error="quarantine"),
        IngestFileSpec("late", "late.csv", SCHEMA, optional=True),
    ]

    def configure_steps(self):
        self.add_filter("Large", pl.col("pupils") > 1_000, ["schools"])
        self.add_step("Add late ones", add_late_ones)
        self.add_step("Identify", identify, depends_on=["add-late-ones"])


def add_late_ones(schools, late):
    schools.save_in_place(pl.concat([schools.load(), late.load()]))


def identify(schools, ctx):
    ids = CanonicalIdResolver(ctx.pipeline_dir, "schools", {"any": "*all"})
    key = {"source_key_column": "id", "namespace": ctx.run_id}  # so all rows are new
    schools.save_in_place(ids.resolve(schools.load(), **key, run_date=ctx.run_date))
    print("known by", schools.row_count(), "ids")


pipeline = Register()
