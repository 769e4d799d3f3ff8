"""What every benchmark stands on: images, readers, judges, figures with intervals, and the page."""
