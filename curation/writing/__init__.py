"""From verdicts to shards: rows gathered, images read again."""
