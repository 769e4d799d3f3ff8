"""Captioning: prompts, back ends, and what of an answer is believed."""
