"""From a folder of recordings and a checkpoint to a dataset's file."""
