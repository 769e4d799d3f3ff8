"""Mode template: slots of a layout filled with texts."""
