"""The optimisation of one fold model: started under torchrun, over one process or many."""
