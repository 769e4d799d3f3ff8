"""Signals: one module per measured defect; every module here is found and measured."""
