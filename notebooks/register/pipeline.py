"""A register of schools, delivered every week: take it in, clean it, say what has changed.

The file is the workflow: `python -m pypedream describe` draws it. The page beside it tells three
weeks of it.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

import pandera.polars as pa
import polars as pl

from pypedream.tabular import (
    AstroFile,
    CanonicalIdResolver,
    IngestFileSpec,
    Pipeline,
    StepContext,
)

COUNT = pa.Check.in_range(0, 20_000)

SCHOOLS = pa.DataFrameSchema(
    {
        "Number": pa.Column(str, pa.Check.str_matches(r"^\d{7}$")),
        "District (code)": pa.Column(str, pa.Check.str_matches(r"^\d{3}$")),
        "Name": pa.Column(str),
        "Status (name)": pa.Column(str, pa.Check.isin(["Open", "Closed"])),
        "Opened (date)": pa.Column(pl.Date, nullable=True),
        "Closed (date)": pa.Column(pl.Date, nullable=True),
        "Age (lowest)": pa.Column(int, pa.Check.in_range(0, 25), nullable=True),
        "Age (highest)": pa.Column(int, pa.Check.in_range(0, 25), nullable=True),
        "Capacity": pa.Column(int, COUNT, nullable=True),
        "Pupils (total)": pa.Column(int, COUNT, nullable=True),
        "Free meals (%)": pa.Column(float, pa.Check.in_range(0, 100), nullable=True),
        "East (m)": pa.Column(int, nullable=True),
        "North (m)": pa.Column(int, nullable=True),
        "Changed (date)": pa.Column(pl.Date),
    }
)
"""What must be right. Columns that it does not name come in as text, with their leading zeros."""

CORRECTIONS = pa.DataFrameSchema(
    {
        "Number": pa.Column(str),
        "Column": pa.Column(str, pa.Check.isin(["Capacity", "Pupils (total)"])),
        "Value": pa.Column(int, COUNT),
        "Received (date)": pa.Column(pl.Date),
    }
)

DAY = "%d-%m-%Y"
DATES = dict.fromkeys(("Opened (date)", "Closed (date)", "Changed (date)"), DAY)
GROUPS: dict[str, list[str] | Literal["*all"]] = {
    "any": "*all",
    "head": ["Head (title)", "Head (last name)"],
    "size": ["Capacity", "Pupils (total)"],
}


class Register(Pipeline):
    """What comes in each week, and what is done with it."""

    name = "register"
    ingest_files: ClassVar = [
        IngestFileSpec(
            "schools",
            "schools_*.csv",
            SCHOOLS,
            "cp1252",
            formats=DATES,
            on_error="quarantine",
            max_errors=0.001,
        ),
        IngestFileSpec(
            "corrections",
            "corrections_*.csv",
            CORRECTIONS,
            "cp1252",
            formats={"Received (date)": DAY},
            optional=True,
        ),
    ]

    def configure_steps(self) -> None:
        """Say what is done, in order."""
        self.add_filter("Older versions", older_versions, ["schools"])
        self.add_filter("Closed long ago", pl.col("Closed (date)") < date(2000, 1, 1), ["schools"])
        self.add_step("Tidy", tidy)
        self.add_step("Correct", correct)
        self.add_step("Identify", identify, depends_on=["correct"])
        self.add_step("Summarise", summarise, depends_on=["identify"])


def older_versions(schools: pl.DataFrame) -> pl.DataFrame:
    """Return the lines that another line of the same school has replaced."""
    in_order = schools.with_row_index("place").sort("Changed (date)", "place")
    last = in_order.unique("Number", keep="last")
    return in_order.join(last, on="place", how="anti").drop("place")


def tidy(schools: AstroFile) -> None:
    """Give texts one form: no blanks around them, and null for what does not apply."""
    texts = pl.col(pl.String).str.strip_chars()
    schools.save_in_place_lazy(
        schools.scan()
        .with_columns(texts.replace({"Not applicable": None, "": None}))
        .with_columns(pl.col("Postcode").str.to_uppercase())
    )


def correct(schools: AstroFile, corrections: AstroFile, ctx: StepContext) -> None:
    """Put in what was corrected late; set aside what is for a school that is not there."""
    given = corrections.load()
    rows = schools.load()
    unknown = given.join(rows, on="Number", how="anti")
    if unknown.height:
        ctx.quarantine.quarantine_rows(corrections, unknown, reason="no school has this number")
    known = given.join(unknown, on="Number", how="anti").sort("Received (date)")
    for column in ("Capacity", "Pupils (total)"):
        values = known.filter(pl.col("Column") == column).unique("Number", keep="last")
        rows = rows.update(values.select("Number", pl.col("Value").alias(column)), on="Number")
    schools.save_in_place(rows)
    corrections.save_in_place(known)
    print(f"{known.height:,} of {given.height:,} corrections put in")


def identify(schools: AstroFile, ctx: StepContext) -> None:
    """Give each school an id that stays, and say what is new, what has changed and what is gone."""
    ids = CanonicalIdResolver(ctx.pipeline_dir, "schools", GROUPS)
    key = {"source_key_column": "Number", "namespace": "register"}
    rows = schools.load()
    found = ids.resolve(
        rows, **key, run_date=ctx.run_date, exclude_columns=frozenset(["Changed (date)"])
    )
    schools.save_in_place(found)
    for status in ("NEW", "CHANGED", "UNCHANGED"):
        ctx.stats.record_step(status.lower(), (found["status"] == status).sum())
    ctx.stats.record_step("gone", ids.missing(rows, **key).height)


def summarise(schools: AstroFile) -> None:
    """Write a line for each district: open schools, pupils, and how much has changed."""
    is_open = pl.col("Status (name)") == "Open"
    table = (
        schools.scan()
        .group_by("District (name)")
        .agg(
            open=is_open.sum(),
            pupils=pl.col("Pupils (total)").filter(is_open).sum(),
            free_meals=pl.col("Free meals (%)").filter(is_open).mean().round(2),
            changed=(pl.col("status") == "CHANGED").sum(),
            new=(pl.col("status") == "NEW").sum(),
        )
        .sort("District (name)")
        .collect()
    )
    path = schools.output_path("summary", "districts.csv")
    path.parent.mkdir(exist_ok=True)
    table.write_csv(path)
    print(f"{path.parent.name}/{path.name}: {table.height} districts")


pipeline = Register()
