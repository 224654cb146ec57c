"""The pages: one file each, with their kit and components."""
