"""What `pipelines.yaml` says: read strictly, bound to frozen models."""
