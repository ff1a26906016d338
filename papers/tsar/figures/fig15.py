"""Figure 15: rank against rank in C1 of all data-rich models, under transfer to ImageNet."""

from papers.tsar.figures.fig11 import gallery

draw, values = gallery("c1", "rich", ["imagenet"], 24)
