"""The page Flows: what is known of each flow, and its settings."""
