"""The page Exceptions."""
