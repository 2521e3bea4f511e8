"""From a voice and settings to a verdict."""
