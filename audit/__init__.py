"""The trail of who did what: entries, the chain that binds them, checkpoints, evidence for auditors."""
