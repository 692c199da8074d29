"""Model bundles: checked before anything of them is loaded."""
