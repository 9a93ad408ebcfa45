"""A vision transformer (Dosovitskiy et al. 2021) of four blocks: one convolution."""

import torch
from torch import Tensor, nn

from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.attention import Attention, FirstToken, Tokens
from benchmarks.oracle.steps.linear import Add
from benchmarks.oracle.steps.normalisation import StandardiseAxis
from benchmarks.oracle.steps.pointwise import Smooth

DEPTH, HEADS, EPS = 4, 3, 1e-6


class SelfAttention(nn.Module):
    """Every token looks at every other."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.scale = (dim // HEADS) ** -0.5
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Attend."""
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, HEADS, C // HEADS).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        attn = (q @ k.transpose(-2, -1) * self.scale).softmax(dim=-1)
        return self.proj((attn @ v).transpose(1, 2).reshape(B, N, C))


class Block(nn.Module):
    """Attention, and two linear layers."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=EPS)
        self.attn = SelfAttention(dim)
        self.norm2 = nn.LayerNorm(dim, eps=EPS)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Give the block's tokens."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """Patches, positions, blocks, a class."""

    def __init__(self, size: int, patch: int, dim: int, classes: int = 7) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, dim, kernel_size=patch, stride=patch)
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + (size // patch) ** 2, dim))
        self.blocks = nn.Sequential(*[Block(dim) for _ in range(DEPTH)])
        self.norm = nn.LayerNorm(dim, eps=EPS)
        self.head = nn.Linear(dim, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits."""
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        cls = self.cls_token.expand(x.shape[0], -1, -1)
        x = torch.cat((cls, x), dim=1) + self.pos_embed
        x = self.norm(self.blocks(x))
        return self.head(x[:, 0])


def build(full: bool = False) -> nn.Module:
    """Build it for 224 pixels with 192 features, or for 64 pixels with 48."""
    return VisionTransformer(224, 16, 192) if full else VisionTransformer(64, 16, 48)


def describe(g: Graph) -> None:
    """Describe it."""

    def norm(x: int, at: str) -> int:
        weight, bias = g.state[f"{at}.weight"], g.state[f"{at}.bias"]
        return g.add(StandardiseAxis(-1, weight, bias, EPS), x)

    x = g.layer(IMAGE, "patch_embed", stride=g.state["patch_embed.weight"].shape[2])
    x = g.add(Tokens(g.state["cls_token"], g.state["pos_embed"]), x)
    for block in range(DEPTH):
        at = f"blocks.{block}"
        y = g.further[f"{at}.attn.qkv"] = g.linear(norm(x, f"{at}.norm1"), f"{at}.attn.qkv")
        y = g.linear(g.add(Attention(HEADS), y), f"{at}.attn.proj")
        x = g.further[f"{at}.attn.proj"] = g.add(Add(), x, y)
        y = g.add(Smooth("gelu"), g.linear(norm(x, f"{at}.norm2"), f"{at}.mlp.0"))
        g.further[f"{at}.mlp.0"] = y
        x = g.further[f"{at}.mlp.2"] = g.add(Add(), x, g.linear(y, f"{at}.mlp.2"))
    g.linear(g.add(FirstToken(), norm(x, "norm")), "head")
