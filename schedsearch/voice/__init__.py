"""A dataset's file, clips, vocoder and its check."""
