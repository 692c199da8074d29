"""Values that everybody knows."""
