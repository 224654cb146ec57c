"""The exception center: intake, lifecycle, claim, retry, resolve, audit."""
