"""The trial store, and what keeps it whole when several processes share it."""
