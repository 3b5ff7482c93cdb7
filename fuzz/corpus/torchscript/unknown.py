class M(Module):
  def forward(self, x):
    a = torch.frobnicate(x)
    if torch.gt(torch.sum(x), 0):
      b, c, = ops.torchvision.nms(a, x, k=1)
      return b
    elif a:
      raise "no"
    else:
      b = [a, x]
    for i in a:
      _0 = torch.add_(x, i)
    while a:
      b = torch.len(a)
    return (b.forward(a), torch.cat(b), a.q[1:])
