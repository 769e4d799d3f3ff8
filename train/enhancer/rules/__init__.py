"""Rules for what a language model answers: rewards that need no model, a file each."""
