"""How large a network is, without its weights."""

from __future__ import annotations

import torch

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.network.architectures import build_network
from scalemai_core.records.training import ChannelNames
from scalemai_core.settings.learning import NetworkSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy


def count_parameters(settings: NetworkSettings, names: ChannelNames) -> int:
    """Numbers that training sets in one network for these channels; takes no memory."""
    with torch.device("meta"):
        network = build_network(settings, Channels.from_names(names, load_taxonomy()), seed=0)
    return network.num_parameters
