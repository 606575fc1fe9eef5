"""What the page shows of each claim of the report's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isolet_nn.notebook.html import data_uri
from isolet_nn.reproduction.claims import CLAIMS, ReportClaim
from isolet_nn.reproduction.evidence import Evidence
from isolet_nn.reproduction.tables import TextTable
from isolet_nn.reproduction.verdicts import Claim
from isolet_nn.system.files import read_bytes
from isolet_nn.system.folders import PLOTS


@dataclass(frozen=True)
class ClaimSection:
    """A claim, what became of it, and what was run.

    Attributes
    ----------
    picture
        As a data URI; None where there is nothing to draw.
    """

    source: ReportClaim
    judged: Claim
    table: TextTable | None
    picture: str | None


def claim_sections(evidence: Evidence, judged: Sequence[Claim]) -> list[ClaimSection]:
    """One section for each claim; `judged` are the claims in their order."""
    return [
        ClaimSection(
            source,
            claim,
            None if source.table is None else source.table(evidence),
            _picture(source, evidence),
        )
        for source, claim in zip(CLAIMS, judged, strict=True)
    ]


def _picture(claim: ReportClaim, evidence: Evidence) -> str | None:
    path = evidence.folder / PLOTS / f"claim{claim.number}-{claim.name}.png"
    if claim.picture is None or not claim.picture.draw(evidence, path):
        return None
    return data_uri(read_bytes(path))
