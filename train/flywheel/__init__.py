"""The data flywheel: what a model fails at goes to reinforcement learning, to the data or to the
prompts by stated rules, and what is lacking is planned, rendered and trained. It works by files and
commands of the other packages, of which it imports none.
"""
