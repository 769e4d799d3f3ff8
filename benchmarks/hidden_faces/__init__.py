"""Fits the rules of ``hidden_faces``, and says what they see and lose."""
