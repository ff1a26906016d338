"""Figure 14: rank against rank in C2 of all data-rich models, under transfer to CIFAR-100."""

from papers.tsar.figures.fig11 import gallery

draw, values = gallery("c2", "rich", ["cifar100"], 24)
