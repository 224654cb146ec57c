"""What the config file says of the form of CSV, for every source that reads it."""

from __future__ import annotations

from pydantic import Field

from collectors.csvtable import CsvForm
from collectors.sections import Letter, SourceSettings


class CsvSettings(SourceSettings):
    """The form of CSV; what is not set is found by look."""

    delimiter: Letter | None = None
    quote: Letter = '"'
    escape: Letter | None = None
    columns: list[str] | None = Field(None, min_length=1)
    """Where the files have no header."""
    skip_lines: int = Field(0, ge=0, le=1000)
    """Above the header."""

    def csv_form(self) -> CsvForm:
        """Return the form."""
        return CsvForm(self.delimiter, self.quote, self.escape, self.columns, self.skip_lines)
