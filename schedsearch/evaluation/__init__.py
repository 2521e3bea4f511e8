"""From schedules to scores of a frozen vocoder, and paired statistics over clips."""
