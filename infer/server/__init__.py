"""Images on request: an OpenAI-compatible endpoint and a page (``python -m infer.server``)."""
