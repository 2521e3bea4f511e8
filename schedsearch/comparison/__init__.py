"""Baselines, winners and the user's own schedules on the held-out clips, side by side."""
