"""Deliveries of webhooks over real connections, and processes killed in the middle."""
