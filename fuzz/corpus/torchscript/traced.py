class M(Module):
  def forward(self, x):
    h = ops.prim.NumToTensor(torch.size(x, 2))
    p = int(torch.remainder(torch.rsub(torch.remainder(h, 3), 3), 3))
    c = torch.floor_divide(h, CONSTANTS.c0)
    y = torch.pad(x, [0, p, 0, 0])
    z = torch.conv2d(y, torch.ones([3, 2, 1, 1]), None, [1, 1], [0, 0], [1, 1], 1)
    return torch.batch_norm(z, None, None, torch.zeros([3]), torch.ones([3]), False, 0.10000000000000001, 1.0000000000000001e-05, True)
