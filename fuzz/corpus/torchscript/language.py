class M(Module):
  __parameters__ = ["w", ]
  __annotations__["0"] = __torch__.m.C
  k : Final[int] = 3
  def forward(self: __torch__.m.M,
    x: Tensor, flag: bool=True) -> Tensor:
    B, C, H, W, = torch.size(x)
    if self.training:
      y = torch.sigmoid(x)
    else:
      y = (self.c).forward(x, )
    for i in range(torch.mul(self.n, 2)):
      y = torch.add(y, i, alpha=1)
    while torch.lt(B, 5):
      B = torch.add(B, 2)
    d = {"a": [1, 2.5, None], "b": (B, )}
    if torch.__isnot__(getattr(self, "0"), None):
      ops.prim.RaiseException(torch.format("no {}", d), "E")
    else:
      pass
    return torch.softmax(torch.reshape(y, [B, -1]), -1)
class C(Module):
  w : Tensor
  def forward(self: __torch__.m.C,
    x: Tensor) -> Tensor:
    w = self.w
    return torch.mul(x, torch.sum(w))
