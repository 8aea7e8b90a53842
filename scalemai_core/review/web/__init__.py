"""The review page's server: who may come in, what may be asked, and how errors are told."""
