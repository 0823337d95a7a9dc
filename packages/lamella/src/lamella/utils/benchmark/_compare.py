"""Tables of measurements: a row for each input, a column for each way to compute it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.utils.benchmark._measurement import (
    Measurement,
    select_unit,
    trim_sigfig,
    unit_to_english,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_BEST, _GOOD, _POOR, _PLAIN = "\033[92m\033[1m", "\033[34m\033[1m", "\033[31m\033[1m", "\033[0m"


class Compare:
    """A table of measurements; those of the same task are merged.

    A label has a table of its own. Its rows are the sub-labels (else the statements), with the
    environments where there are several, in a group for each number of threads; its columns are
    the descriptions. An entry is the median.

    Args:
        results: what timers gave.
    """

    def __init__(self, results: list[Measurement]) -> None:
        self._results: list[Measurement] = []
        self.extend_results(results)
        self._trims = self._warns = self._colours = self._by_row = False

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Adds measurements.

        Raises:
            ValueError: when something is none.
        """
        for each in results:
            if not isinstance(each, Measurement):
                raise ValueError(f"Compare takes Measurements, not {type(each).__name__}")
            self._results.append(each)

    def trim_significant_figures(self) -> None:
        """Leaves of each entry the digits that the spread of its times leaves."""
        self._trims = True

    def highlight_warnings(self) -> None:
        """Marks an entry with ``(!)`` whose times spread by more than a tenth of it."""
        self._warns = True

    def colorize(self, rowwise: bool = False) -> None:
        """Colours entries by their ratio to the best: green to 1.1, blue to 1.5, red from 3 on.

        Args:
            rowwise: whether the best is that of the row, else that of the table's column.
        """
        self._colours, self._by_row = True, rowwise

    def print(self) -> None:
        """Prints the table."""
        print(str(self))

    def __str__(self) -> str:
        tables: dict[str, list[Measurement]] = {}
        for each in Measurement.merge(self._results):
            tables.setdefault(each.task_spec.label or "", []).append(each)
        return "\n\n".join(self._table(label, results) for label, results in tables.items())

    def _table(self, label: str, results: list[Measurement]) -> str:
        unit_name, unit = select_unit(min(each.median for each in results))
        several = len({each.env for each in results}) > 1
        columns = list(dict.fromkeys(each.description or "" for each in results))
        groups: dict[int, dict[str, dict[str, Measurement]]] = {}
        for each in results:
            row = f"{each.as_row_name} ({each.env})" if several else each.as_row_name
            entries = groups.setdefault(each.num_threads, {}).setdefault(row, {})
            entries[each.description or ""] = each
        rows = [row for group in groups.values() for row in group.values()]
        best_of = {
            column: min(row[column].median for row in rows if column in row) for column in columns
        }
        text = {
            id(each): self._entry(each, unit, each.significant_figures if self._trims else None)
            for each in results
        }
        head = 6 + max(len(name) for group in groups.values() for name in group)
        widths = [
            max(len(column), *(len(text[id(row[column])]) for row in rows if column in row))
            for column in columns
        ]
        heading = "".join(
            f"  |  {column:^{width}}" for column, width in zip(columns, widths, strict=True)
        )
        total = head + len(heading)
        lines = [f"[{f' {label} ' if label else '':-^{max(total - 2, 1)}}]", " " * head + heading]
        for threads, group in sorted(groups.items()):
            lines.append(f"{threads} thread{'' if threads == 1 else 's'}: ".ljust(total, "-"))
            for name, cells in group.items():
                line = f"      {name:<{head - 6}}"
                least = min(each.median for each in cells.values())
                for column, width in zip(columns, widths, strict=True):
                    found = cells.get(column)
                    entry = "" if found is None else text[id(found)]
                    padding = " " * (width - len(entry))
                    if found is not None and self._colours:
                        best = least if self._by_row else best_of[column]
                        entry = _coloured(entry, found.median / best)
                    line += f"  |  {padding}{entry}"
                lines.append(line)
        lines += ["", f"Times are in {unit_to_english(unit_name)}s ({unit_name})."]
        if self._warns and any(each.has_warnings for each in results):
            lines.append("(!): the middle half of the times is wider than a tenth of their median.")
        return "\n".join(lines)

    def _entry(self, each: Measurement, unit: float, digits: int | None) -> str:
        value = each.median / unit
        if digits is not None:
            value = trim_sigfig(value, digits)
        return f"{value:.1f}" + (" (!)" if self._warns and each.has_warnings else "")


def _coloured(entry: str, ratio: float) -> str:
    colour = _BEST if ratio <= 1.1 else _GOOD if ratio <= 1.5 else _POOR if ratio >= 3 else ""
    return f"{colour}{entry}{_PLAIN}" if colour else entry
