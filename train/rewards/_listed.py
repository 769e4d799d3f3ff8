"""The setting ``rewards`` of an objective."""

from typing import Annotated, Any

from curation.strict_yaml import choice

Rewards = tuple[Annotated[Any, choice("train.rewards.reward.Reward")], ...]
