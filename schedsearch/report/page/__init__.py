"""report.html: one self-contained page a run and one a dataset, which opens from the disk and asks no network."""
