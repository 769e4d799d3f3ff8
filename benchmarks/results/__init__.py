"""``docs/results.md``: a section for each thing that is measured, a record for each run of it."""
