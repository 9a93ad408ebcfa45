"""Where the units of anyone's network are: convolution layers and their nonlinearities."""

from torch import nn

from facslens.errors import CallError

_BETWEEN = (nn.BatchNorm2d, nn.Dropout, nn.Dropout2d, nn.Identity)
_NONLINEAR = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish)


def unit_layers(network: nn.Module) -> dict[str, str]:
    """Find every convolution layer and the module whose output holds its units' maps.

    A unit is one feature map of one layer after its nonlinearity. The nonlinearity is
    looked for behind the convolution, batch normalisation between them allowed, in the
    order in which the network registers its modules; where another module comes first, the
    convolution's own output counts.

    Parameters
    ----------
    network
        Any network.

    Returns
    -------
    dict
        Name of each `torch.nn.Conv2d`, mapped to the name of the module to listen to.

    Examples
    --------
    >>> unit_layers(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3)))
    {'0': '1', '2': '2'}
    """
    leaves = [(name, m) for name, m in network.named_modules() if not list(m.children())]
    found: dict[str, str] = {}
    for index, (name, module) in enumerate(leaves):
        if not isinstance(module, nn.Conv2d):
            continue
        found[name] = name
        for later, following in leaves[index + 1 :]:
            if isinstance(following, _NONLINEAR):
                found[name] = later
            if not isinstance(following, _BETWEEN):
                break
    return found


def choose_layers(network: nn.Module, names: list[str] | None) -> dict[str, str]:
    """Keep the named convolution layers of `unit_layers`, or all of them.

    Raises
    ------
    CallError
        If the network has no convolution, or none of a given name.
    """
    layers = unit_layers(network)
    if not layers:
        raise CallError("the network has no convolution layer, so it has no feature maps")
    for name in names or []:
        if name not in layers:
            raise CallError(f"there is no convolution layer {name!r}: it has {', '.join(layers)}")
    return {n: m for n, m in layers.items() if names is None or n in names}
