"""What is said of a network file whose bytes cannot be right."""

from eyespot.domain.errors import ModelError


def damaged(what: str) -> ModelError:
    """Return the error for a file that is not what its writer wrote.

    Args:
        what: the reason, as the beginning of a sentence.
    """
    return ModelError(f"{what}; fetch the file again")
