"""Whether an .rpk file may come near the sensor.

The driver frees the old network before it looks at the new one, and finds out while the camera starts.
A changed weight cannot be seen here: that is what the sha256 of a bundle is for.
"""

from eyespot.domain.errors import ModelError
from eyespot.trust.damage import damaged
from eyespot.trust.rpk.file import Rpk, read_rpk
from eyespot.trust.rpk.registers import check_registers

_MOST_PARAMETERS = 2548  # they share a line of 2560 bytes with a header of 12


def check_rpk(data: bytes) -> Rpk:
    """Return what the file says, after everything that can be checked without the sensor.

    Raises:
        ModelError: it is refused; says why.
    """
    rpk = read_rpk(data)
    check_parts(rpk)
    return rpk


def check_parts(rpk: Rpk) -> None:
    """Check that the parts of a file that was read agree, and that the driver will let them through.

    Raises:
        ModelError: they do not; says why.
    """
    if rpk.info.parameters_bytes > _MOST_PARAMETERS:
        raise ModelError(f"its tensor table is longer than {_MOST_PARAMETERS} bytes; take another network")
    check_registers(rpk.registers)
    _check_input(rpk)
    _check_outputs(rpk)
    _check_lines(rpk)


def _check_input(rpk: Rpk) -> None:
    told, has = (rpk.info.width, rpk.info.height), (rpk.network.input.width, rpk.network.input.height)
    if told != has:
        raise damaged(f"its input is {_by(*has)}, network_info.txt says {_by(*told)}")


def _by(width: int, height: int) -> str:
    return f"{width}x{height}"


def _check_outputs(rpk: Rpk) -> None:
    told = [(output.elements, output.element_bytes) for output in rpk.info.outputs]
    has = [(output.elements, output.bits // 8) for output in rpk.network.outputs]
    if len(told) != len(has):
        raise damaged(f"it has {len(has)} outputs, network_info.txt says {len(told)}")
    for number, (one, other) in enumerate(zip(told, has, strict=True), 1):
        if one != other:
            raise damaged(
                f"its output {number} has {other[0]} values of {other[1]} bytes, "
                f"network_info.txt says {one[0]} of {one[1]}"
            )


def _check_lines(rpk: Rpk) -> None:
    """Check the room that is set aside: the header's line, and what the tensors fill."""
    outputs = 1 + sum(output.lines for output in rpk.network.outputs)
    lines = (
        ("input takes", rpk.network.input.lines, rpk.input_lines),
        ("outputs take", outputs, rpk.output_lines),
    )
    for what, needed, set_aside in lines:
        if needed != set_aside:
            raise damaged(f"its {what} {needed} lines, imx500_regs sets aside {set_aside}")
