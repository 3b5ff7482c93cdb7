class M(Module):
  def forward(self, x):
    l = [i * i for i in range(6) if i > 1]
    torch.insert(l, 0, torch.pop(l, -1))
    t = (l[1:3], l[::-1], "a" + "b" * 3, -2 ** 2, 1 if l else 2)
    o = __torch__.m.O(x, b=t)
    s = annotate(List[Optional[Tensor]], [None, self.l[1]])
    for a, b in zip(l, enumerate(l)):
      torch.append(l, a) if torch.len(l) < 9 else None
    return (o.a, o.b, {"k": s}, isinstance(s, List[int]), torch.percentFormat("%d", 3))
class O(NamedTuple):
  a : Tensor
  b : Tuple[int]
