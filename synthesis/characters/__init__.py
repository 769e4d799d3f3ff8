"""Chinese characters: the national table of 8,105, and a sampler that shows every one of them."""
