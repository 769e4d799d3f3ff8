"""What is minimised: one file for each objective, chosen by its name (``objective: ...``)."""
