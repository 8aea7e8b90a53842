"""The one way out to models behind OpenAI-compatible web services."""
