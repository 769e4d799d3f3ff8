"""What is asked of a finished run, or of an installation."""
