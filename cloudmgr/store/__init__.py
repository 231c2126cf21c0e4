"""SqlWorld: the records in SQLite or PostgreSQL, their migrations, and the queries of lists.

Start at `world.SqlNode`; nothing but values leaves this package.
"""
