"""TOML to typed, bounded settings."""
