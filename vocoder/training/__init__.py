"""Trains a WaveGrad from recordings."""
