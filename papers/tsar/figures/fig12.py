"""Figure 12: rank against rank in C3 of all data-rich models, under transfer to CIFAR-100."""

from papers.tsar.figures.fig11 import gallery

draw, values = gallery("c3", "rich", ["cifar100"], 24)
