"""A training of one's own, with and without a trained controller: the source text of Python's argparse, byte by byte.

    python examples/attached_controller.py [N_UPDATES] [LR]

Prints the loss on the text's last tenth, in nats a byte. The controller is the three lines in `train`.
"""

import argparse
import inspect
import sys

import torch
from torch import nn

from hpo_gym.integrations.controller import Controller

CONTEXT, WIDTH = 32, 48
TEXT = torch.tensor(list(inspect.getsource(argparse).encode()))
TRAINING, HELD_OUT = TEXT[: -len(TEXT) // 10], TEXT[-len(TEXT) // 10 :]


class SmallTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.bytes, self.positions = nn.Embedding(256, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.layer = nn.TransformerEncoderLayer(WIDTH, 2, 4 * WIDTH, dropout=0.0, batch_first=True, norm_first=True)
        self.head = nn.Linear(WIDTH, 256)

    def forward(self, rows):
        mask = nn.Transformer.generate_square_subsequent_mask(CONTEXT)
        x = self.bytes(rows) + self.positions.weight
        return self.head(self.layer(x, src_mask=mask, is_causal=True))

    def loss(self, text, starts):
        rows = torch.stack([text[start : start + CONTEXT + 1] for start in starts.tolist()])
        return nn.functional.cross_entropy(self(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())


def train(n_updates, lr, seed=0, controller=None, rate_is="peak"):
    torch.manual_seed(seed)
    model = SmallTransformer()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    if controller is not None:
        Controller.from_pretrained(controller).attach(optimizer, total_updates=n_updates, rate_is=rate_is)
    for _ in range(n_updates):
        optimizer.zero_grad()
        model.loss(TRAINING, torch.randint(len(TRAINING) - CONTEXT, (16,))).backward()
        optimizer.step()
    with torch.no_grad():
        return float(model.loss(HELD_OUT, torch.arange(0, len(HELD_OUT) - CONTEXT, CONTEXT)))


def main(n_updates=300, lr=1e-2):
    n_updates, lr = int(n_updates), float(lr)
    print(f"fixed rate of {lr:g}: {train(n_updates, lr):.3f}")
    for controller, rate_is in (("jel-plus-nano", "peak"), ("jel-plus-nano", "mean")):
        held_out = train(n_updates, lr, controller=controller, rate_is=rate_is)
        print(f"the same as {rate_is} of {controller}: {held_out:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
