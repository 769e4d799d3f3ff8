"""A language model that writes prompts anew: its data, its fine-tuning, and its rewards."""
