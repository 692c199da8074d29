"""Stands in for kms++'s bindings, which picamera2 imports and uses for displays only."""


class _Names(type):
    def __getattr__(cls, name: str) -> str:
        return name


class PixelFormat(metaclass=_Names):
    """Any format by its name."""
