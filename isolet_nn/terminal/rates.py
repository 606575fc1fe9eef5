"""What a person sees of a learning-rate range test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isolet_nn.errors import counted, one_line, rounded
from isolet_nn.terminal.printer import Printer
from isolet_nn.terminal.streams import print_error

if TYPE_CHECKING:
    from isolet_nn.runs.learning_rates import FoundRate


def print_found_rate(found: FoundRate, printer: Printer) -> None:
    """Print the rate that is suggested, or why there is none; last the folder."""
    measured = found.measured
    rates = measured.rates
    if found.learning_rate is not None:
        end = (
            ""
            if measured.diverged
            else f", and up to {rounded(float(rates[-1])):g} it did not rise again"
        )
        printer.say(f"learning rate {found.learning_rate:g}: there the loss fell fastest{end}")
        printer.say(f"take it with: --set optimizer.learning_rate={found.learning_rate:g}")
    elif measured.outcome == "diverged at once":
        print_error(
            f"the loss rose beyond all bounds within {counted(len(rates), 'step')}, before a "
            "learning rate could make a difference; model.initializer or dataset.standardize may "
            "be to blame"
        )
    else:
        print_error(
            f"the loss never fell by a twentieth, from rate {rounded(float(rates[0])):g} to "
            f"{rounded(float(rates[-1])):g}: the network does not learn from this data"
        )
    printer.say(f"picture: {one_line(found.path / 'learning_rates.png')}")
    printer.say(one_line(found.path))
