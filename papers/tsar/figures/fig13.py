"""Figure 13: rank against rank in C2 of all data-rich models, under transfer to ImageNet."""

from papers.tsar.figures.fig11 import gallery

draw, values = gallery("c2", "rich", ["imagenet"], 24)
