"""Scripts that made the data in the project; run again only to make them anew."""
