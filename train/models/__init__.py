"""Model families: one file each, chosen by its name (``model: {name: qwen_image}``)."""
