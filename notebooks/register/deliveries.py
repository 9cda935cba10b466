"""Three weekly deliveries of a register of schools, made up, with the mess that such files have.

    python deliveries.py [FOLDER] [--rows 200000] [--seed 7]

writes three folders into FOLDER, from 2026-01-05 on. The same seed gives the same bytes.
From week to week one school of ten changes, one of a hundred is new and one of a hundred is gone.
"""

# ruff: noqa: RUF001 - texts as people type them
from __future__ import annotations

import argparse
import csv
from datetime import date, timedelta
from pathlib import Path
from random import Random

WEEKS = (date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19))
CHANGED, NEW, GONE = 0.1, 0.01, 0.01
TWICE = 0.001
"""So many schools have two lines: the same one again, or one from before the last change."""
BAD = 0.0002
"""So many lines have a cell that cannot be right."""
CORRECTIONS = 0.0005
"""To so many open schools a correction comes late, in a file of its own from the second week on."""

COLUMNS = (
    "Number",
    "District (code)",
    "District (name)",
    "Name",
    "Type (name)",
    "Status (name)",
    "Opened (date)",
    "Closed (date)",
    "Age (lowest)",
    "Age (highest)",
    "Capacity",
    "Pupils (total)",
    "Free meals (%)",
    "Street",
    "Town",
    "Postcode",
    "Telephone",
    "Head (title)",
    "Head (last name)",
    "Faith (name)",
    "Trust (code)",
    "Trust (name)",
    "Boarders (name)",
    "Website",
    "East (m)",
    "North (m)",
    "Changed (date)",
)
AT = {name: place for place, name in enumerate(COLUMNS)}

DISTRICTS = ("Ashmere", "Brynford", "Châtelwick", "Dunholm", "East Marsh", "Fairwater", "St Éloi")
TYPES = ("Community school", "Academy", "Voluntary aided school", "Special school", "Nursery")
SAINTS = ("St Anne’s", "St Chad’s", "Holy Cross", "Ste Zoë", "Hill", "Mill Lane", "Brontë", "Park")
KINDS = ("Primary School", "Infant School", "High School", "College – Upper School", "Nursery")
STREETS = ("High Street", "Church Lane", "The Green", "Station Road, Unit 4", "Mill Walk")
NAMES = ("Ahmed", "Brown", "Évans", "García", "Jones", "Müller", "Okafor", "Patel", "O’Neill")
TITLES = ("Mr", "Mrs", "Ms", "Dr", "")
FAITHS = ("", "", "", "None", "Church of England", "Roman Catholic", "Not applicable")
BOARDING = ("", "", "Not applicable", "No boarders")
BAD_CELLS = (
    ("Pupils (total)", "1,024"),
    ("Pupils (total)", "n/k"),
    ("Capacity", "-5"),
    ("Opened (date)", "31-02-2019"),
    ("Opened (date)", "2019-09-01"),
    ("Age (highest)", "181"),
    ("Status (name)", "Opne"),
    ("Number", "12"),
)

Row = list[str]


def write_deliveries(folder: Path, rows: int, seed: int = 7) -> list[Path]:
    """Write the deliveries; return their folders.

    Parameters
    ----------
    rows
        How many schools there are in the first week.
    """
    chance = Random(f"register {seed}")  # noqa: S311 - no secret depends on it
    schools = [school(number, WEEKS[0], chance) for number in range(1, rows + 1)]
    last, made = rows, []
    for week, day in enumerate(WEEKS):
        here = folder / day.isoformat()
        here.mkdir(parents=True, exist_ok=True)
        if week:
            schools = [changed(one, day, chance) for one in schools if chance.random() >= GONE]
            new = round(rows * NEW)
            schools += [school(last + each, day, chance) for each in range(1, new + 1)]
            last += new
        write(here / f"schools_{day}.csv", COLUMNS, as_delivered(schools, chance))
        if week:
            corrections = corrections_to(schools, day, chance)
            write(here / f"corrections_{day}.csv", CORRECTION_COLUMNS, corrections)
            schools = corrected(schools, corrections, day)
        made.append(here)
    return made


def school(number: int, day: date, chance: Random) -> Row:
    """Return the line of one school as it was entered some day before *day*."""
    district = chance.randrange(len(DISTRICTS))
    capacity = chance.randrange(20, 1800)
    opened = date(1950, 1, 1) + timedelta(days=chance.randrange(27_000))
    is_closed = chance.random() < 0.3
    closed = opened + timedelta(days=chance.randrange((day - opened).days)) if is_closed else None
    lowest, trust = chance.randrange(2, 12), chance.randrange(900)
    has_trust = chance.random() < 0.2
    name = f"{chance.choice(SAINTS)} {chance.choice(KINDS)}"
    return [
        f"{number:07}",
        f"{district * 13 + 7:03}",
        DISTRICTS[district],
        name,
        chance.choice(TYPES),
        "Closed" if is_closed else "Open",
        dmy(opened) if chance.random() < 0.8 else "",
        dmy(closed) if closed else "",
        str(lowest),
        str(lowest + chance.randrange(3, 8)),
        str(capacity) if chance.random() < 0.9 else "",
        "" if is_closed else str(chance.randrange(capacity)),
        "" if is_closed else f"{chance.random() * 60:.1f}",
        f"{chance.randrange(1, 90)} {chance.choice(STREETS)}",
        f"{DISTRICTS[district]} ",
        f"{DISTRICTS[district][:2].lower()}{district} {chance.randrange(10)}XY",
        f"0{chance.randrange(10**9, 10**10)}" if chance.random() < 0.7 else "",
        chance.choice(TITLES),
        chance.choice(NAMES),
        chance.choice(FAITHS),
        f"{trust:04}" if has_trust else "",
        f"Trust “{trust}”" if has_trust else "",
        chance.choice(BOARDING),
        f"http://www.school{number}.example" if chance.random() < 0.3 else "",
        str(chance.randrange(100_000, 600_000)),
        str(chance.randrange(100_000, 600_000)),
        dmy(day - timedelta(days=chance.randrange(7, 2_000))),
    ]


def changed(row: Row, day: date, chance: Random) -> Row:
    """Return a line as it is a week later: mostly as it was."""
    if chance.random() >= CHANGED:
        return row
    now = [*row]
    column = chance.choice(("Pupils (total)", "Head (last name)", "Telephone", "Capacity"))
    others = {
        "Pupils (total)": str(chance.randrange(20, 1_800)),
        "Head (last name)": f"{chance.choice(NAMES)}-{chance.choice(NAMES)}",
        "Telephone": f"0{chance.randrange(10**9, 10**10)}",
        "Capacity": str(chance.randrange(20, 1_800)),
    }
    now[AT[column]] = others[column]
    now[AT["Changed (date)"]] = dmy(day - timedelta(days=chance.randrange(1, 7)))
    return now


def as_delivered(schools: list[Row], chance: Random) -> list[Row]:
    """Return the lines as they are sent: some twice, some with a cell that cannot be right."""
    sent = [*schools]
    for row in schools:
        if chance.random() < TWICE:
            again = [*row]
            if chance.random() < 0.5:
                again[AT["Changed (date)"]] = "01-01-2001"
                again[AT["Head (last name)"]] = chance.choice(NAMES)
            sent.insert(chance.randrange(len(sent)), again)
    for place in range(len(sent)):
        if chance.random() < BAD:
            column, text = chance.choice(BAD_CELLS)
            sent[place] = [*sent[place]]
            sent[place][AT[column]] = text
    return sent


CORRECTION_COLUMNS = ("Number", "Column", "Value", "Received (date)")


def corrections_to(schools: list[Row], day: date, chance: Random) -> list[Row]:
    """Return late corrections. Somebody has had them in a spreadsheet: no leading zeros."""
    return [
        [row[0].lstrip("0"), "Capacity", str(chance.randrange(20, 1_800)), dmy(day)]
        for row in schools
        if row[AT["Status (name)"]] == "Open" and chance.random() < CORRECTIONS
    ]


def corrected(schools: list[Row], corrections: list[Row], day: date) -> list[Row]:
    """Return the lines with what was corrected, as the register has it a week later."""
    values = {number.zfill(7): value for number, _, value, _ in corrections}
    now = [[*row] if row[0] in values else row for row in schools]
    for row in now:
        if row[0] in values:
            row[AT["Capacity"]], row[AT["Changed (date)"]] = values[row[0]], dmy(day)
    return now


def dmy(day: date) -> str:
    """Return a day as the register writes it."""
    return f"{day.day:02}-{day.month:02}-{day.year}"


def write(path: Path, columns: tuple[str, ...], rows: list[Row]) -> None:
    """Write a file as a program on Windows does."""
    with path.open("w", encoding="cp1252", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(columns)
        lines.writerows(rows)


def main() -> None:
    """Write the deliveries that the command line asks for."""
    given = argparse.ArgumentParser(description="Write three deliveries of a register.")
    given.add_argument("folder", nargs="?", default="deliveries", type=Path)
    given.add_argument("--rows", default=200_000, type=int)
    given.add_argument("--seed", default=7, type=int)
    asked = given.parse_args()
    for folder in write_deliveries(asked.folder, asked.rows, asked.seed):
        print(folder.as_posix(), *(each.name for each in sorted(folder.iterdir())))


if __name__ == "__main__":
    main()
