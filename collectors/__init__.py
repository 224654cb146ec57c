"""How telemetry gets in: one file per source, and the pipeline they share."""
