"""Neural networks that more than one part of the project runs, each behind one small class."""
