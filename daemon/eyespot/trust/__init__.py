"""Bundles: bytes in, verdict out."""
