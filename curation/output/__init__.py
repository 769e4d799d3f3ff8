"""What a run leaves: names of files, column files, and how it ended."""
