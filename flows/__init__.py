"""Settings of flows: a YAML file each, with lint, versions, and what others read of them."""
