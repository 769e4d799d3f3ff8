"""Where a graph runs, and what that takes."""
