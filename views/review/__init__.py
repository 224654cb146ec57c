"""The page Weekly review."""
