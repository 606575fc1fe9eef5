"""Tables as Markdown, as LaTeX and as CSV.

In the first two a person reads rounded numbers, in CSV a program gets all digits. Names of classes,
columns and folders are other people's text, and none of it may be taken for markup or a formula.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len

from isolet_nn.config.key_paths import canonical
from isolet_nn.errors import one_line
from isolet_nn.system.csv_tables import CsvCell, csv_text
from isolet_nn.terminal.tables import PrintedTable

_MARKDOWN = re.compile(r"(?<=[^\W_])_+(?=[^\W_])|[\\`*_\[<|~&$]")
"""What begins markup within a line of GitHub's Markdown; underscores within a word do not."""
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after the end of a row a bracket would begin an option, a star a starred form
    "*": "{*}",
    "-": "-{}",  # two would be a dash
    **{character: f"\\{character}" for character in "{}$&#_%"},
}
_LATEX_SPECIAL = re.compile(r"[\\~^<>|\[*{}$&#_%]|-(?=-)")
_FORMULA = re.compile(r"[=@\t\r]|[+-](?=.)")
"""How a cell begins that a spreadsheet would compute; a plus or minus alone is a common class."""


def markdown(tables: Sequence[PrintedTable]) -> str:
    """Tables in GitHub's Markdown, each below its title in bold, an empty line between them."""
    return "\n".join(map(_markdown, tables))


def _markdown(table: PrintedTable) -> str:
    title = f"**{_markdown_number(table.title)}**\n\n" if table.title else ""
    columns = []
    for column in table.columns:
        say = _markdown_number if column.is_numeric else _escape_markdown
        cells = [_escape_markdown(column.name), *map(say, column.texts)]
        width = max(3, *map(cell_len, cells))
        gaps = [" " * (width - cell_len(cell)) for cell in cells]
        right = column.is_numeric
        padded = [g + c if right else c + g for c, g in zip(cells, gaps, strict=True)]
        columns.append([padded[0], "-" * (width - right) + ":" * right, *padded[1:]])
    rows = zip(*columns, strict=True)
    return title + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _markdown_number(text: str) -> str:
    return _escape_markdown(text).replace("+-", "±")


def _escape_markdown(text: str) -> str:
    def escape(match: re.Match[str]) -> str:
        within_word = match[0][0] == "_" and _is_between_letters(match)
        return match[0] if within_word else f"\\{match[0]}"

    return _MARKDOWN.sub(escape, _in_a_line(text))


def _is_between_letters(match: re.Match[str]) -> bool:
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    return before.isalnum() and after.isalnum()


def latex(tables: Sequence[PrintedTable]) -> str:
    """Tables in LaTeX with the package booktabs, each a float with its title as the caption."""
    return "% \\usepackage{booktabs}\n" + "\n".join(map(_latex, tables))


def _latex(table: PrintedTable) -> str:
    columns = [
        [
            _escape_latex(column.name),
            *map(_latex_number if column.is_numeric else _escape_latex, column.texts),
        ]
        for column in table.columns
    ]
    heading, *rows = (f"{' & '.join(row)} \\\\" for row in zip(*columns, strict=True))
    kinds = "".join("r" if column.is_numeric else "l" for column in table.columns)
    tabular = [
        f"\\begin{{tabular}}{{{kinds}}}",
        *(f"  {line}" for line in ("\\toprule", heading, "\\midrule", *rows, "\\bottomrule")),
        "\\end{tabular}",
    ]
    if not table.title:
        return "".join(f"{line}\n" for line in tabular)
    inside = ["\\centering", f"\\caption{{{_latex_number(table.title)}}}", *tabular]
    lines = ["\\begin{table}", *(f"  {line}" for line in inside), "\\end{table}"]
    return "".join(f"{line}\n" for line in lines)


def _latex_number(text: str) -> str:
    escaped = _escape_latex(text).replace(r" \%", r"\,\%").replace("+-", r"$\pm$")
    return re.sub(r"^-", "$-$", escaped)


def _escape_latex(text: str) -> str:
    return _LATEX_SPECIAL.sub(lambda match: _LATEX[match[0]], _in_a_line(text))


def csv(tables: Sequence[PrintedTable]) -> str:
    """Tables in CSV; of several, each below its title in a comment, an empty line between them.

    Numbers have all their digits. A text that a spreadsheet would compute gets an apostrophe
    before it, as spreadsheets have it themselves.
    """
    if len(tables) == 1:
        return _csv(tables[0])
    return "\n".join(f"# {one_line(table.title)}\n{_csv(table)}" for table in tables)


def _csv(table: PrintedTable) -> str:
    columns: dict[str, Sequence[Any]] = {}
    for column in table.columns:
        columns |= column.exact or {column.name: column.values}
    rows = zip(*columns.values(), strict=True)
    return csv_text(map(_csv_cell, columns), (map(_csv_cell, row) for row in rows))


def _csv_cell(value: Any) -> CsvCell:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    text = one_line(value) if isinstance(value, str) else canonical(value)
    return f"'{text}" if _FORMULA.match(text) else text


def _in_a_line(text: str) -> str:
    """What is in words, in the one line that a cell has."""
    return one_line(text.replace("\n", "; "))
