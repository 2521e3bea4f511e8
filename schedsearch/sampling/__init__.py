"""Noise, ancestral sampling with a schedule, synthesis of any length, and its speed."""
