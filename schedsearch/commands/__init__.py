"""One file a command: options, progress and messages; what it does stands below."""
