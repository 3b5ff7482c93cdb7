def f(a, b=[i for i in c]):
  pass

class M(Module):
  forward = 3
  v : int = [x for x in 5]
