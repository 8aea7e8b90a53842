"""The commands of ``scalemai``, a module a group; ``flows.cli`` puts them together."""
