"""From a unit of samples to its columns, and whether these still hold."""
