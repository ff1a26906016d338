"""Figure 16: rank against rank in C1 of all data-rich models, under transfer to CIFAR-100."""

from papers.tsar.figures.fig11 import gallery

draw, values = gallery("c1", "rich", ["cifar100"], 24)
