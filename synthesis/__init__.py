"""Text rendering: corpus text rendered into samples with captions and boxes that are true."""
