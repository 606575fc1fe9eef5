"""Tables in every format: what a person or a program reads is what was handed over."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from isolet_nn.errors import ConfigError, one_line
from isolet_nn.terminal import formats, layouts
from isolet_nn.terminal.printer import Printer
from isolet_nn.terminal.streams import SafeConsole
from isolet_nn.terminal.tables import PrintedColumn, PrintedTable
from isolet_nn.terminal.words import percent

TEXTS = st.lists(st.text(max_size=12), min_size=1, max_size=4)
MARKUP = st.lists(st.text("ab_*|\\`<>[]!&~$#{}%^\"'-+=@ \n\t\x1b", max_size=12), min_size=1)
SHARES = PrintedColumn("accuracy", [0.5, 0.123456789, None], percent)
SCORES = PrintedColumn(
    "score", [1.0, -2.5, None], lambda x: "" if x is None else f"{x:.1f} +- 0.3 %", numbers=True
)


def table(*columns: PrintedColumn, title: str = "") -> PrintedTable:
    return PrintedTable(columns, title)


def shown(column: PrintedColumn) -> list[str]:
    """What a person should read: in a line, without white space that no format keeps."""
    return [" ".join(shown_text(text).split()) for text in (column.name, *column.texts)]


def shown_text(text: str) -> str:
    return one_line(text.replace("\n", "; "))


def read_markdown(text: str) -> list[list[str]]:
    """The cells of a table as a reader of GitHub's Markdown sees them; nothing may be markup."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    rows: list[list[str]] = []
    for token in parser.parse(text):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline":
            children = token.children or []
            assert {child.type for child in children} <= {"text"}
            content = "".join(child.content for child in children)
            rows[-1].append(" ".join(content.split()))
    return rows


@given(TEXTS | MARKUP, st.text(max_size=8))
@settings(max_examples=25, deadline=None)
def test_markdown_is_read_as_the_texts_that_were_written(values: list[str], name: str) -> None:
    column = PrintedColumn(name, values)
    rows = read_markdown(
        formats.markdown([table(column, PrintedColumn("n", [*range(len(values))]))])
    )
    assert [row[0] for row in rows] == shown(column)
    assert [row[1] for row in rows] == ["n", *map(str, range(len(values)))]


@given(TEXTS | MARKUP, st.text(max_size=8))
@settings(max_examples=25, deadline=None)
def test_csv_is_read_as_the_texts_that_were_written(values: list[str], name: str) -> None:
    text = formats.csv(
        [table(PrintedColumn(f"{name} 1", values), PrintedColumn(f"{name} 2", values))]
    )
    rows = [*csv.reader(io.StringIO(text))]
    assert rows[1:] == [[row[0]] * 2 for row in rows[1:]]
    for cell, value in zip((row[0] for row in rows), (f"{name} 1", *values), strict=True):
        assert cell.removeprefix("'") == one_line(value).removeprefix("'")
        assert not re.match(r"[=@\t\r]|[+-].", cell)


@given(TEXTS | MARKUP)
@settings(max_examples=25, deadline=None)
def test_latex_keeps_no_character_that_it_would_obey(values: list[str]) -> None:
    text = formats.latex([table(PrintedColumn("x", values), PrintedColumn("y", values))])
    body = text.partition("\\midrule\n")[2].partition("  \\bottomrule")[0]
    lines = body.splitlines()
    assert len(lines) == len(values)
    for line, value in zip(lines, values, strict=True):
        assert re.fullmatch(r"  (.*) & (.*) \\\\", line)
        plain = re.sub(r"\\text\w+\{\}|\\[{}$&#_%]|\{[\[*]\}|-\{\}", " ", line[2:-3])
        assert not re.search(r"[\\{}$#_%~^<>|*\[]|--", plain)
        assert plain.count("&") == 1
        assert (r"\textbackslash{}" in line) == ("\\" in shown_text(value))


def test_latex_is_a_float_with_booktabs_where_there_is_a_title() -> None:
    columns = [PrintedColumn("class_a", ["[x]", "50%", "é"]), SHARES, SCORES]
    text = formats.latex([table(*columns, title="R&D, mean +- 5 %")])
    assert text.splitlines() == [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        r"  \caption{R\&D, mean $\pm$ 5\,\%}",
        r"  \begin{tabular}{lrr}",
        r"    \toprule",
        r"    class\_a & accuracy & score \\",
        r"    \midrule",
        r"    {[}x] & 50.00\,\% & 1.0 $\pm$ 0.3\,\% \\",
        r"    50\% & 12.35\,\% & $-$2.5 $\pm$ 0.3\,\% \\",
        r"    é &  &  \\",
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]


def test_markdown_says_numbers_as_a_person_reads_them() -> None:
    text = formats.markdown(
        [table(PrintedColumn("class", ["a", "b", "c"]), SHARES, SCORES, title="T")]
    )
    assert text.splitlines() == [
        "**T**",
        "",
        "| class | accuracy |        score |",
        "| ----- | -------: | -----------: |",
        "| a     |  50.00 % |  1.0 ± 0.3 % |",
        "| b     |  12.35 % | -2.5 ± 0.3 % |",
        "| c     |          |              |",
    ]


def test_csv_has_numbers_with_all_digits_and_what_is_more_than_a_number_in_its_parts() -> None:
    parts = PrintedColumn(
        "score", ["x"] * 3, str, {"mean": [0.1 + 0.2, 1, None], "sd": [None, 0.5, 2.0]}
    )
    settings_ = PrintedColumn("layers", [[64, 32], True, None])
    text = formats.csv([table(SHARES, parts, settings_, title="not in the file")])
    assert text.splitlines() == [
        "accuracy,mean,sd,layers",
        '0.5,0.30000000000000004,,"[64, 32]"',
        "0.123456789,1,0.5,true",
        ",,2.0,",
    ]


@pytest.mark.parametrize("text", ["=1+1", "@x", "\t=1", "+1", "-1+cmd|' /C calc'!A0"])
def test_what_a_spreadsheet_would_compute_is_text_in_csv(text: str) -> None:
    (cell,) = [*csv.reader(io.StringIO(formats.csv([table(PrintedColumn("a", [text]))])))][1]
    assert cell == f"'{text}"


def test_a_lone_sign_and_a_negative_number_are_no_formulas() -> None:
    text = formats.csv([table(PrintedColumn("class", ["+", "-"]), PrintedColumn("n", [-1, -0.5]))])
    assert text == "class,n\n+,-1\n-,-0.5\n"


def test_several_tables_are_told_apart_by_their_titles() -> None:
    tables = [
        table(PrintedColumn("a", [1]), title="first"),
        table(PrintedColumn("b", [2]), title="se\ncond"),
    ]
    assert formats.csv(tables) == "# first\na\n1\n\n# se\\ncond\nb\n2\n"
    assert formats.markdown(tables).count("\n\n") == 3
    assert formats.latex(tables).count("\\begin{table}") == 2


@pytest.mark.parametrize("form", ["markdown", "latex", "csv"])
def test_standard_output_holds_tables_alone_unless_a_person_reads_it(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    printer = Printer.asked_for(form)
    printer.tables(table(PrintedColumn("a", ["\x1b[31m"])))
    printer.say("beside")
    out, err = capsys.readouterr()
    assert "beside" not in out
    assert err == "beside\n"
    assert "\x1b" not in out
    Printer.asked_for(None).say("beside")
    assert capsys.readouterr() == ("beside\n", "")


@pytest.mark.parametrize("other", ["as_json", "quiet", "print_trial"])
def test_a_format_goes_with_nothing_that_prints_no_tables(other: str) -> None:
    with pytest.raises(ConfigError, match=f"--format .* --{other.removeprefix('as_')[:5]}"):
        Printer.asked_for("table", **{other: True})
    assert Printer.asked_for(None, **{other: True}).is_for_terminal


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_terminal_divides_names_of_columns_where_names_can_be(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(layouts, "RESULTS", SafeConsole(file=out, width=width))
    names = ("optimizer.learning_rate", "validation_accuracy")
    layouts.print_tables([table(PrintedColumn(names[0], [0.001]), PrintedColumn(names[1], [0.5]))])
    parts = ["optimizer.", "learning_rate", "validation_", "accuracy"] if width == 40 else names
    words = re.findall(r"[a-z][a-z_.]+", out.getvalue())
    assert sorted(words) == sorted(parts)
