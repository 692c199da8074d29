"""Certificates: made by an own small authority, or given."""
