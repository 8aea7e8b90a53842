"""How the next dataset version comes about: by what is offered, and by what a round decides."""
