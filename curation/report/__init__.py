"""The report: one self-contained HTML page that shows what a run did and where its bounds lie."""

from curation.output.finished import OutcomeError
from curation.report.page import write_report

__all__ = ["OutcomeError", "write_report"]
