"""The mel front ends, one file a dialect."""
