"""How the admin writes a time: as the pages do, with its zone named."""

DATETIME_FORMAT = "D j M Y, H:i T"
