"""An arena of models: duels of two images, votes, and Bradley-Terry ratings."""
