"""The operations that are known here, by what they do to maps: a closed set.

Names are those of PyTorch's operations, without their overloads. What is in no table, and is no
function of one value either, is not known, and nothing is said of what it does.
"""

from typing import Final

import torch
from torch import fx

from facslens.models.reading.trace import argument, operation

#: The value stays as it is. (Dropout that drops is refused by the tracing.)
IDENTITIES: Final = frozenset(
    {"clone", "contiguous", "detach", "alias", "to", "_to_copy", "type_as", "lift_fresh_copy",
     "dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"}
)  # fmt: skip
#: Functions of each value by itself which PyTorch does not tag so.
_POINTWISE: Final = frozenset(
    {"where", "masked_fill", "rsub", "prelu", "_prelu_kernel", "hardswish", "log_sigmoid",
     "zeros_like", "ones_like", "full_like", *IDENTITIES}
)  # fmt: skip
#: Sums with weights: their adjoint passes.
CONVOLUTIONS: Final = frozenset({"conv2d", "convolution", "conv_transpose2d"})
#: Their adjoint passes if one operand is the network's own.
PRODUCTS: Final = frozenset({"linear", "matmul", "mm", "bmm", "addmm", "baddbmm", "einsum"})
#: Values change their places, or are given further ones; their adjoint passes.
MOVES: Final = frozenset(
    {"view", "reshape", "_unsafe_view", "flatten", "unflatten", "permute", "transpose", "t",
     "movedim", "swapaxes", "numpy_T", "squeeze", "unsqueeze", "expand", "expand_as", "cat",
     "concat", "stack", "slice", "select", "narrow", "split", "split_with_sizes", "chunk", "unbind",
     "slice_scatter", "select_scatter", "pad", "constant_pad_nd", "reflection_pad2d",
     "replication_pad2d", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "roll", "flip",
     "repeat", "tile", "index_select", "im2col", "getitem", "view_as", "copy", "hstack", "vstack"}
)  # fmt: skip
#: Means over places; their adjoint passes.
MEANS: Final = frozenset(
    {"avg_pool2d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d", "mean", "sum", "col2im",
     "upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d", "_upsample_nearest_exact2d"}
)  # fmt: skip
#: The largest of some values; what arrives goes to where it was.
LARGEST: Final = frozenset(
    {"max_pool2d", "max_pool2d_with_indices", "adaptive_max_pool2d", "amax", "max"}
)
#: In evaluation mode these scale each map by numbers of the network's own; their adjoint passes.
BATCH_NORMS: Final = frozenset(
    {"batch_norm", "_native_batch_norm_legit_no_training", "native_batch_norm",
     "_native_batch_norm_legit", "cudnn_batch_norm", "_batch_norm_no_update"}
)  # fmt: skip
#: These scale by statistics of the face itself; their derivative passes, which is noted.
NORMS: Final = frozenset(
    {"layer_norm", "native_layer_norm", "group_norm", "native_group_norm", "instance_norm",
     "rms_norm", "var", "std", "var_mean", "std_mean", "norm", "linalg_vector_norm",
     "softmax", "_softmax", "log_softmax", "_log_softmax", "logsumexp"}
)  # fmt: skip
#: Two values of the face meet in one product; their derivative passes, which is noted.
MEETINGS: Final = frozenset({"glu", "scaled_dot_product_attention"})


def is_pointwise(node: fx.Node) -> bool:
    """Tell whether a step computes each value from the values at the same place alone."""
    name = operation(node)
    if name in _POINTWISE:
        return True
    if name in ("index_put", "index_put_impl"):
        return _sets_by_mask(node)
    return (
        isinstance(node.target, torch._ops.OpOverload) and torch.Tag.pointwise in node.target.tags
    )


def _sets_by_mask(node: fx.Node) -> bool:
    """Tell whether values are set where a mask of the same shape says so."""
    masks = argument(node, "indices")
    first = node.args[0]
    return (
        len(masks) == 1
        and isinstance(masks[0], fx.Node)
        and isinstance(first, fx.Node)
        and masks[0].meta["shape"] == first.meta["shape"]
        and operation(masks[0]) in ("lt", "le", "gt", "ge", "eq", "ne", "logical_not", "isnan")
        and not argument(node, "accumulate")
    )
