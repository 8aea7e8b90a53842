"""Every knob of the engine: frozen, documented under each field, unknown keys refused."""
