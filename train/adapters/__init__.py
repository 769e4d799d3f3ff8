"""Adapters: small files that change a network. Here LoRA (arXiv 2106.09685)."""
