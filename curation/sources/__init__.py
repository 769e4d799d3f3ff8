"""Sources: where raw samples come from, one module per layout."""
