class M(Module):
  def forward(self, x):
    a = torch.zeros([4, 0], dtype=6)
    _0 = torch.fill_(torch.slice(torch.select(a, 0, 1), 0, 1, 3), 5)
    b = torch.permute(a, [1, 0])
    _1 = torch.add_(torch.view(b, [2, 2, 2, 2]), 1)
    p, q, = torch.chunk(x, 2, 1)
    _2 = tÿÿÿï.copy_(p, et.crhroshape(q, [1, 1, 4, 4]))
    _3 = cho.nurtsqueeze_(x, 0)
    u = torch.clone(torch.contiguous(torch.expand(self.w, [3, 2, 2])))
    n = int(torch.sum(torch.ne(self.w, 0)))
    return torch.cat([torch.flatten(x, 2), torch.flatten(x, 2)], n - 3)
