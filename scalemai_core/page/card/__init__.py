"""The model card: what people should know of a model before they use it."""
