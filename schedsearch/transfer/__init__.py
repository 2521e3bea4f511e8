"""Schedules found on one voice, scored on another."""
