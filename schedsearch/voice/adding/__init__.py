"""Makes a dataset's file from a folder of recordings and a checkpoint."""
