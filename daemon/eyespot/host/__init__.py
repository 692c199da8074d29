"""The machine: service manager, clock, identity."""
