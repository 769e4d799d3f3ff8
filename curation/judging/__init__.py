"""From columns to verdicts: rules, shares, and the ledger that adds up."""
