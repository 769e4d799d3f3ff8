"""Text rendering: corpus text drawn into samples with captions and boxes that are true."""
