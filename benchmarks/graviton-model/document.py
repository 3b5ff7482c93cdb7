"""Puts tables into a document that has them already, of more than was counted now: rows and cells that are not known anew stay."""
from __future__ import annotations

import re
from typing import Mapping

from compare.report import fill, markdown_table

# Table -> its first columns that tell a row from others. Tables that are not here are made whole, or not at all.
KEYS = {"summary": 1, "counts": 1, "mix": 2, "cycles": 3, "latency": 1, "convolutions": 2, "error": 1}
Row = list[str]


def rows_of(table: str) -> list[Row]:
    """Of a Markdown table, the head first; none where there is no table."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for index, line in enumerate(lines) if index != 1]


def merged(before: str, now: str, keys: int) -> str:
    """Rows of both, those of `now` in their places among the others; where it has an empty cell, that of `before`."""
    old, new = rows_of(before), rows_of(now)
    if not old or old[0] != new[0]:
        return now
    at = {tuple(row[:keys]): row for row in old[1:]}
    order = list(at)
    place = 0  # of the next new key
    for row in new[1:]:
        key = tuple(row[:keys])
        if key in at:
            row = [cell or kept for cell, kept in zip(row, at[key])]
            place = order.index(key) + 1
        else:
            order.insert(place, key)
            place += 1
        at[key] = row
    return markdown_table(new[0], [at[key] for key in order])


def filled(text: str, tables: Mapping[str, str]) -> tuple[str, list[str]]:
    """The document, and the names of the tables that were put into it."""
    there = dict(re.findall(r"<!-- table: (.*?) -->\n(.*?)<!-- end -->", text, flags=re.DOTALL))
    return fill(text, {name: merged(there[name], table, KEYS[name]) if name in KEYS and name in there else table for name, table in tables.items()})
