"""The layouts of text log lines, as data: one entry and its samples a layout, one module a family."""
