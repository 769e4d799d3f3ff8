"""What judges a model while it trains: one file each, by name (``evaluation.evaluators``)."""
