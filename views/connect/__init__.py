"""Connect: the lines to paste for each way in, and the first record that comes by it."""
