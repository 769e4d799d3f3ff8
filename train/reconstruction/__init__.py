"""Training autoencoders: what is settled before, assembled, written down and planned of such a run.
Its losses are in ``train.objectives.reconstruction``.
"""
