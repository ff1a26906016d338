"""Figure 18: rank against rank in C2 of ten data-scarce models, under transfer to ImageNet and to CIFAR-100."""

from papers.tsar.figures.fig11 import gallery

draw, values = gallery("c2", "scarce", ["imagenet", "cifar100"], 10)
