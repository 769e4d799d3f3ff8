"""The demo: a raw collection as a user would have it, and the way through the whole product."""
