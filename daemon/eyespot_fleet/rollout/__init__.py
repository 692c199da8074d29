"""A release that widens step by step while devices do well with it, and stops by itself."""
