"""Models over the air: the slots on the disk, and the worker that fills them. README.md tells how."""
