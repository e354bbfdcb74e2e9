"""A trained controller in anybody's PyTorch loop: it scales learning rate and weight decay while the run goes on.

Example:
    >>> import torch
    >>> from hpo_gym.integrations.controller import Controller
    >>> model = torch.nn.Linear(4, 1)
    >>> optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    >>> controller = Controller.from_pretrained("jel-plus-nano").attach(optimizer, total_updates=100)
    >>> for _ in range(100):
    ...     optimizer.zero_grad()
    ...     model(torch.ones(2, 4)).square().mean().backward()
    ...     optimizer.step()
    >>> controller.updates_done, round(controller.last_lr[0], 4)
    (100, 0.0014)
"""

from hpo_gym.integrations.controller.attached import AttachedController
from hpo_gym.integrations.controller.controller import Controller
from hpo_gym.integrations.controller.matrices import matrices_and_rest

__all__ = ["AttachedController", "Controller", "matrices_and_rest"]
