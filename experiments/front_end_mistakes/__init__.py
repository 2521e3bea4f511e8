"""Plants front-end mistakes into a right voice, and asks the check what is wrong."""
