"""Schedule files of WaveGrad and its relatives: reads what the wild holds, writes what each repository reads.

Betas of a .pt file are float32, as their users' code keeps them; they are widened to float64 after reading.
"""

from schedsearch.schedules.files.reading import ScheduleFile, open_schedule, read_provenance, read_schedule
from schedsearch.schedules.files.writing import (
    Layout,
    layout_for,
    remove_every_layout,
    write_every_layout,
    write_schedule,
)

__all__ = [
    "Layout",
    "ScheduleFile",
    "layout_for",
    "open_schedule",
    "read_provenance",
    "read_schedule",
    "remove_every_layout",
    "write_every_layout",
    "write_schedule",
]
