"""A schedule as a value: formulas, published tables, files and the space that is searched."""
