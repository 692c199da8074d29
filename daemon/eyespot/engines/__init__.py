"""Runtimes that run a model."""
