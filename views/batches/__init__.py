"""The page Batches, and the dialog that starts one."""
