"""What a Raspberry Pi suffers from: too little voltage, too much heat."""

from typing import Literal, get_args

Throttling = Literal[
    "under_voltage",
    "frequency_capped",
    "throttled",
    "soft_temperature_limit",
    "under_voltage_before",
    "frequency_capped_before",
    "throttled_before",
    "soft_temperature_limit_before",
]
NOW: tuple[Throttling, ...] = tuple(name for name in get_args(Throttling) if not name.endswith("_before"))
