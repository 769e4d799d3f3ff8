"""A folder of images with captions, as people have them, to shards that are trained on."""
