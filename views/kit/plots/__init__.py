"""Plots: one idea a file, each a function of plain values that returns a `Plot` with the same as a table."""
