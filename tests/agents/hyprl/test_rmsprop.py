"""Row-wise RMSProp comes to what PyTorch's does, though it leaves rows alone that have no gradient."""

import pytest
import torch

from agents.hyprl.rmsprop import RowwiseRMSprop, clip_gradients


@pytest.mark.parametrize(("alpha", "eps"), [(0.99, 1e-8), (0.9, 1e-2)])
def test_sparse_gradients_move_a_layer_as_dense_ones_do(alpha, eps):
    torch.manual_seed(0)
    start = torch.randn(7, 3)
    ours, theirs = (start.clone().requires_grad_() for _ in range(2))
    optimizer = RowwiseRMSprop([ours], lr=0.01, alpha=alpha, eps=eps)
    reference = torch.optim.RMSprop([theirs], lr=0.01, alpha=alpha, eps=eps)
    for _ in range(60):
        rows, target = torch.randint(7, (3,)), torch.randn(3, 3)  # a row may be drawn twice, or not for long
        for parameter, sparse, either in ((ours, True, optimizer), (theirs, False, reference)):
            either.zero_grad()
            taken = torch.nn.functional.embedding(rows, parameter, sparse=sparse)
            (taken - target).square().sum().backward()
            either.step()
    torch.testing.assert_close(ours, theirs)


def test_dense_gradients_too_and_it_goes_on_from_its_state():
    start = torch.randn(4)
    ours, theirs = (start.clone().requires_grad_() for _ in range(2))
    optimizer, reference = RowwiseRMSprop([ours], lr=0.1), torch.optim.RMSprop([theirs], lr=0.1)
    for step in range(10):
        if step == 5:
            state = optimizer.state_dict()
            optimizer = RowwiseRMSprop([ours], lr=0.1)
            optimizer.load_state_dict(state)
        for parameter, either in ((ours, optimizer), (theirs, reference)):
            either.zero_grad()
            parameter.cos().sum().backward()
            either.step()
    torch.testing.assert_close(ours, theirs)


def test_gradients_are_clipped_by_their_norm_together():
    dense, sparse, unused = (torch.zeros(size, requires_grad=True) for size in ((2,), (3, 1), (5,)))
    (3 * dense[0]).backward()
    (4 * torch.nn.functional.embedding(torch.tensor([1]), sparse, sparse=True)).sum().backward()
    clip_gradients([dense, sparse, unused], 10.0)
    assert dense.grad.tolist() == [3.0, 0.0]
    clip_gradients([dense, sparse, unused], 1.0)
    torch.testing.assert_close(dense.grad, torch.tensor([0.6, 0.0]))
    torch.testing.assert_close(sparse.grad.to_dense()[1], torch.tensor([0.8]))
