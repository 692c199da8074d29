"""Uses a C module of apt's that was built for apt's numpy, with the numpy of this Python: as on a Pi.

python check_apts_numpy.py FOLDER, the folder having apt's modules
"""

import sys
from pathlib import Path

import numpy as np


def main(folder: Path) -> None:
    """Compute something with it."""
    own = Path(np.__file__)
    sys.path.append(str(folder))  # behind our own modules, as --system-site-packages has it
    import numexpr  # noqa: PLC0415

    assert folder in Path(numexpr.__file__).parents, numexpr.__file__
    assert folder not in own.parents, own
    values = np.arange(100_000, dtype=np.float32)
    np.testing.assert_array_equal(numexpr.evaluate("2 * values + 1"), 2 * values + 1)
    built_for = next(folder.glob("numpy-*")).stem
    sys.stdout.write(f"numexpr {numexpr.__version__}, built for {built_for}, runs with {np.__version__}\n")


main(Path(sys.argv[1]).resolve())
