"""The page Mapping: an editor beside the last lines of a source, with the result as one types."""
