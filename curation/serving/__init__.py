"""``beam serve``: a finished run in a browser, live over its columns; nothing of it is written."""
