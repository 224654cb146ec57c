"""The page Business."""
