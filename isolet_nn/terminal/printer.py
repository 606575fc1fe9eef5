"""Printing tables: handed over once; a format decides how they are written.

For a person in front of a terminal `layouts` lays them out; `formats` writes them for papers and
programs. There, standard output holds the tables alone, and what is said beside them is a message.
"""

from __future__ import annotations

from isolet_nn.errors import ConfigError
from isolet_nn.terminal import formats, layouts
from isolet_nn.terminal.streams import MESSAGES, RESULTS, lines_between_words, print_text
from isolet_nn.terminal.tables import PrintedTable


class Printer:
    """Prints a command's tables, and says what stands beside them.

    Parameters
    ----------
    form
        ``table`` lays them out for a person; or ``markdown``, ``latex``, ``csv``.
    """

    def __init__(self, form: str = "table") -> None:
        self.form = form

    @classmethod
    def asked_for(
        cls,
        form: str | None,
        *,
        as_json: bool = False,
        quiet: bool = False,
        print_trial: bool = False,
    ) -> Printer:
        """The printer that `--format` asks for.

        Raises
        ------
        ConfigError
            If an option is given that prints something else than tables.
        """
        others = {"--json": as_json, "--quiet": quiet, "--print-trial": print_trial}
        for option, is_given in others.items():
            if form is not None and is_given:
                raise ConfigError(f"--format goes with tables, and {option} prints none: drop one")
        return cls(form or "table")

    @property
    def is_for_terminal(self) -> bool:
        """Whether a person reads it, who is told by colours, frames and room."""
        return self.form == "table"

    def tables(self, *tables: PrintedTable) -> None:
        """Print all tables of a command, which are told apart by their titles."""
        if self.is_for_terminal:
            layouts.print_tables(tables)
        else:
            write = {
                "markdown": formats.markdown,
                "latex": formats.latex,
                "csv": formats.csv,
            }[self.form]
            print_text(write(tables))

    def say(self, text: object, style: str | None = None) -> None:
        """Print what stands beside the tables: a result, or a message where programs read on."""
        stream = RESULTS if self.is_for_terminal else MESSAGES
        stream.print(str(text), style=style, soft_wrap=True)

    def say_sentence(self, sentence: str) -> None:
        """Say a sentence, which goes on in the next line between words."""
        stream = RESULTS if self.is_for_terminal else MESSAGES
        for line in lines_between_words(sentence, stream.width, stream):
            self.say(line)


FOR_TERMINAL = Printer()
