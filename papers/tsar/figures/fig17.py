"""Figure 17: rank against rank in C3 of ten data-scarce models, under transfer to ImageNet and to CIFAR-100."""

from papers.tsar.figures.fig11 import gallery

draw, values = gallery("c3", "scarce", ["imagenet", "cifar100"], 10)
