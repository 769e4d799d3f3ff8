"""From shards to batches: which rows, how often, in which order, and what is read of them when."""
