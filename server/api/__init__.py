"""REST under /api/v1, health and metrics: the same acts and queries as the pages."""
