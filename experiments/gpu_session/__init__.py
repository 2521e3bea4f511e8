"""One measured session on a GPU, in parts that each have their own time limit."""
