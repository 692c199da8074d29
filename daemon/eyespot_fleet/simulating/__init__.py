"""Devices that are none: what they would ask of a broker."""
