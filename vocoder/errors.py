"""The one exception for bad input: the command line prints it as a single line and exits with status 2."""


class InputError(ValueError):
    """Bad input. The message is one line: the rule, the value, the way out."""
