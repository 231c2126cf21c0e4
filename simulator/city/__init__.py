"""A city lived in: the script of a month, and the drivers that play it live or in memory."""
