"""Threads, heartbeats, back-off, stop order."""
