"""What kinds of edits there are: the values of ``edit_kind`` and ``edit_operation``."""

EDIT_KINDS = (
    *("text", "layout", "background", "attribute", "object", "style", "restoration", "task"),
    *("view", "depth", "reference", "subject", "composition"),
)
EDIT_OPERATIONS = (
    *("text.replace", "text.add", "text.remove", "text.recolour", "text.translate"),
    *("layout.move", "layout.swap", "background.recolour", "background.replace"),
    *("attribute.colour", "attribute.material"),
    *("object.add", "object.remove", "object.replace", "object.move"),
    *("restoration.deblur", "restoration.denoise", "restoration.decompress"),
    *("restoration.uncrop", "restoration.rotate"),
    *("task.boxes", "task.mask", "task.edges", "task.super_resolution"),
)
