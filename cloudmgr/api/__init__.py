"""The REST API: routers and their schemas. Decides nothing; performs commands and reads pages."""
