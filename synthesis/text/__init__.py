"""From text to placed glyphs: shaping, line breaking, layout, boxes."""
