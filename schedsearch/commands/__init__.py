"""One file a command: options, progress and messages. The work is done in the layers below."""
