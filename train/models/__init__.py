"""Model families: one file or folder each, chosen by its name (``model: {name: qwen_image}``)."""
