"""What the loss of an autoencoder is made of: one file for each term, chosen by its name
(``objective: {name: reconstruction, terms: [...]}``).
"""
