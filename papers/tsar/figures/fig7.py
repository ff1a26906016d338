"""Figure 7: Figure 6 for transfer to CIFAR-100."""

from functools import partial

from papers.tsar.figures import fig6, panels

draw, values = panels.made_by(partial(fig6.fill, dataset="cifar100"), (7.2, 5.2))
