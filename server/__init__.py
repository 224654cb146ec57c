"""The process: settings, start and stop, REST, events, health."""
