"""The size of a transformer, as nanochat of January 2026 lays it out."""

from dataclasses import dataclass

N_GATE_CHANNELS = 32
"""How many channels of a block's input the value gates look at."""

ROPE_BASE = 10_000.0
SOFTCAP = 15.0
"""Logits are 15 tanh(z / 15)."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The transformer of one member.

    Attributes:
        depth: L, number of blocks.
        dim: D, width of the residual stream.
        n_heads: H attention heads of dim / n_heads channels, an even number.
        vocab_size: V.
        sequence_length: T, in tokens.
        window_pattern: "L" and "S" over the layers, repeated as needed: the whole sequence, or the latest
            half of it. The last layer is always long.
    """

    depth: int
    dim: int
    n_heads: int
    vocab_size: int
    sequence_length: int
    window_pattern: str = "SSSL"

    def __post_init__(self) -> None:
        for name in ("depth", "dim", "n_heads", "vocab_size", "sequence_length"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name}={value!r}: a whole number of 1 or more is needed")
        if self.dim % (2 * self.n_heads):
            raise ValueError(
                f"dim={self.dim} with n_heads={self.n_heads}: each head needs an even number of channels, "
                f"so dim must be a multiple of {2 * self.n_heads}"
            )
        if self.dim < N_GATE_CHANNELS:
            raise ValueError(f"dim={self.dim}: at least {N_GATE_CHANNELS}, which the value gates look at")
        if not self.window_pattern or set(self.window_pattern) - {"S", "L"}:
            raise ValueError(f"window_pattern={self.window_pattern!r}: only the letters S and L")

    @property
    def head_dim(self) -> int:
        """Channels of one head."""
        return self.dim // self.n_heads

    @property
    def value_layers(self) -> tuple[int, ...]:
        """The layers with value embeddings: every other one, the last among them."""
        return tuple(i for i in range(self.depth) if i % 2 == (self.depth - 1) % 2)

    @property
    def windows(self) -> tuple[int, ...]:
        """How many tokens, itself included, a position of each layer sees."""
        letters = [self.window_pattern[i % len(self.window_pattern)] for i in range(self.depth - 1)]
        long, short = self.sequence_length, max(1, self.sequence_length // 2)
        return (*(short + 1 if letter == "S" else long for letter in letters), long)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every parameter's shape, without the leading axis of members.

        - tokens: each token's embedding and its value embeddings, side by side, as they are looked up together.
        - head: output head, one row a token.
        - attention: of each layer the matrices q, k, v and out, each (out, in).
        - mlp: of each layer the inner matrix (out, in), and the outer one lying (in, out).
        - gates: of each layer with value embeddings, one row a head.
        - residual, skip: a layer's weight of the stream (r) and of the normed embedding (l).
        """
        n_values = len(self.value_layers)
        return {
            "tokens": (self.vocab_size, 1 + n_values, self.dim),
            "head": (self.vocab_size, self.dim),
            "attention": (self.depth, 4, self.dim, self.dim),
            "mlp": (self.depth, 2, 4 * self.dim, self.dim),
            "gates": (n_values, self.n_heads, N_GATE_CHANNELS),
            "residual": (self.depth,),
            "skip": (self.depth,),
        }

    @property
    def n_parameters(self) -> int:
        """How many numbers are learned."""
        total = 0
        for shape in self.shapes.values():
            size = 1
            for n in shape:
                size *= n
            total += size
        return total

    @property
    def flops_per_token(self) -> int:
        """Floating-point operations of a training token, forward and backward, as nanochat counts them.

        6 a parameter that is multiplied with (look-ups are free), 12 D a position that attention sees; the short
        window without the position itself.
        """
        shapes, looked_up = self.shapes, 1
        for n in shapes["tokens"]:
            looked_up *= n
        seen = sum(window if window == self.sequence_length else window - 1 for window in self.windows)
        return 6 * (self.n_parameters - looked_up) + 12 * self.dim * seen
