"""OTLP by column: what most records have is read for a whole group at once, the rest record by record."""
