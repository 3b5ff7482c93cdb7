"""Speed, latency and cost of the four models of the mission; see __main__.py."""
