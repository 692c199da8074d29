"""A runtime that does what the network tells it to, in words: for tests that put it before the real one."""

__version__ = "of tests"
