"""Who answers: one file for each back end, chosen by its name in ``pipelines.yaml``."""
