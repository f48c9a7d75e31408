"""What was measured, as tables."""

import json
from collections.abc import Sequence
from typing import Any

from benchmarks.figures import Figures, Table, combined, ratios, spread
from benchmarks.sites import THEN

Tables = dict[str, Table]
# Whose rate a call's is told as a part of, as `of_other`.
COMPARED_WITH = dict.fromkeys(("buy a session", "cancel"), "enrol")
COMPARED_WITH |= dict.fromkeys(("front page", "my learning", "catalogue"), "course page")
EXPLAINED = """
Rates are per second, times in milliseconds. All are medians of the repeats, also of ratios within
each of them; errors are counted. `spread` is how far apart the middle half of the rates are, as a
part of the median. `of_other` is the rate as a part of enrolling's, for money calls, and of the
course page's, for pages and lists."""


def of_calls(runs: Sequence[dict[str, Table]]) -> Tables:
    """A table for each site, and how the first compares to each of the others."""
    by_site = {site: [run[site] for run in runs] for site in runs[0]}
    tables = {site: _calls(told) for site, told in by_site.items()}
    first, *others = by_site
    for site in others:
        of, to = (first, site) if site == THEN else (site, first)
        tables[f"{of} / {to}"] = {
            call: ratios([run[call] for run in by_site[of]], [run[call] for run in by_site[to]])
            for call in runs[0][site]
        }
    return tables


def _calls(runs: Sequence[Table]) -> Table:
    return {call: _call(runs, call) for call in runs[0]}


def _call(runs: Sequence[Table], call: str) -> Figures:
    mine, other = [run[call] for run in runs], COMPARED_WITH.get(call)
    figures = combined(mine) | {"spread": spread([run["rate"] for run in mine])}
    if other in runs[0]:
        figures["of_other"] = ratios(mine, [run[other] for run in runs])["rate"]
    return figures


def of_scenarios(scenarios: dict[str, dict[str, Any]]) -> Tables:
    """Those that are tables; and how the first site compares to what it was then."""
    tables: Tables = {}
    for name, told in scenarios.items():
        for site, outcome in told.items():
            if _is_table(outcome):
                tables[f"{name}, {site}"] = outcome
        first, then = next(iter(told.values())), told.get(THEN)
        if then and _is_table(first):
            tables[f"{name}, now / {THEN}"] = {
                row: ratios([first[row]], [then[row]]) for row in first
            }
    return tables


def _is_table(outcome: dict[str, Any]) -> bool:
    return all(isinstance(row, dict) for row in outcome.values())


def show(scenarios: dict[str, dict[str, Any]], tables: Tables) -> None:
    """Print all."""
    for name, told in scenarios.items():
        for site, outcome in told.items():
            if not _is_table(outcome):
                print(f"{name}, {site}: {json.dumps(outcome, indent=1, default=str)}")
    for title, table in tables.items():
        _show(title, table)
    print(EXPLAINED)


def _show(title: str, table: Table) -> None:
    """With a column for each figure that any row has."""
    columns = list(dict.fromkeys(name for figures in table.values() for name in figures))
    widths = [max(10, len(name)) for name in columns]
    first = max(map(len, (title, *table)))
    lines = [columns] + [
        [f"{figures[name]:,.2f}" if name in figures else "" for name in columns]
        for figures in table.values()
    ]
    print()
    for row, cells in zip((title, *table), lines, strict=True):
        aligned = (f" {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        print(f"{row:{first}}" + "".join(aligned))


def errors_in(tables: Tables) -> int:
    """How many answers of ours were not what was asked for; then, a page may not have been."""
    ours = [table for title, table in tables.items() if not title.endswith(THEN)]
    rows = [figures for table in ours for figures in table.values()]
    return int(sum(value for row in rows for name, value in row.items() if name.endswith("errors")))
