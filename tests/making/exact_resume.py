"""A run of three phases, with several portions a step and a checkpoint every fourth; and what its
plan is changed to where it is supplied with units.
"""

STEPS = 24
CONFIG = """
steps: 24
batch: 16
precision: fp32
tokens_at_once: 90
ema: {decay: 0.9}
log_every: 5
data: {sizes: [], held_out: 0.2, prefetch: 2}
autoencoder: {channels: 8}
text_encoder: {width: 16}
model: {layers: 1, heads: 1, head_width: 16, rope_axes: [4, 6, 6], patch: 2}
optimiser: {kind: adamw, learning_rate: 0.005, warmup: 2, decay: 0.3}
evaluation: {every: 12, images: 8, steps: 2, grid: 4}
checkpoint: {every: 4}
phases:
  - {steps: 8, frozen: text_encoder}
  - {steps: 8, batch: 12}
  - {}
"""
CHANGES = {  # proposed at a step, from another on: far enough behind where a run looks and reads
    3: (12, [{"steps": 4, "batch": 8}, {"batch": 10, "learning_rate": 0.004}]),
    13: (20, [{"batch": 14, "caption_dropout": 0.3}]),
}
