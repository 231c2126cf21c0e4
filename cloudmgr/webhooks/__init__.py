"""Sends webhook deliveries over HTTP. Owns the exchange; what is sent, and what an answer means, is
`domain.webhooks` and `services.webhooks`."""
