"""Searches noise schedules for a frozen WaveGrad vocoder."""
