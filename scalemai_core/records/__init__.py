"""The nouns that are stored or cross a task boundary, as frozen pydantic records."""
