"""Bundles of models: made of what there is, checked, and packed."""
