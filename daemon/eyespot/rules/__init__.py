"""Scenes to events and states; one file a rule."""
