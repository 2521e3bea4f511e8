"""Pure functions (reference, estimate, sample rate) -> one value a clip; averaging is for the caller."""
