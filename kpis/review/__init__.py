"""The weekly review: what a week states beside its figures, and what people write down in it."""
