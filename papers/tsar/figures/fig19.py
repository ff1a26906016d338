"""Figure 19: rank against rank in C1 of ten data-scarce models, under transfer to ImageNet and to CIFAR-100."""

from papers.tsar.figures.fig11 import gallery

draw, values = gallery("c1", "scarce", ["imagenet", "cifar100"], 10)
