"""Training of the flow-matching image transformer on curated shards."""
