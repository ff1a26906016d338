"""What becomes of eta, the trace and alpha while a run goes on (Figure 3)."""

from __future__ import annotations

from collections.abc import Sequence

from common.learning.continual import Learner, Observer


class Plasticity(Observer):
    """Notes eta and the Frobenius norms of Hebb and alpha, every so many steps and after the last step of each task.

    Nothing keeps eta within (0, 1), where the trace is an average. It does fall below, by up to 0.04, and the trace
    then grows with every batch until eta comes back. seeds: of the replicas; every: steps between two notes.
    """

    def __init__(self, seeds: Sequence[int], every: int) -> None:
        self.seeds, self.every = list(seeds), every
        self.step = 0
        self.rows: list[dict] = []

    def after_step(self, task: int, learner: Learner) -> None:
        self.step += 1
        if self.step % self.every == 0:
            self.note(task, learner)

    def before_end_of_task(self, task: int, learner: Learner) -> None:
        if self.step % self.every:
            self.note(task, learner)

    def note(self, task: int, learner: Learner) -> None:
        """Add one row per seed: eta and the norms as they are."""
        alpha, eta, hebb = (tensor.detach() for tensor in learner.parameters[-3:])
        norms = [values.flatten(1).norm(dim=1) for values in (hebb, alpha)]
        for seed, *numbers in zip(self.seeds, eta[:, 0].tolist(), *(norm.tolist() for norm in norms), strict=True):
            # nine digits tell all float32 numbers apart; written as float64 they would have seventeen
            rate, hebb_norm, alpha_norm = (float(f"{number:.9g}") for number in numbers)
            row = {"seed": seed, "task": task + 1, "step": self.step, "eta": rate}
            self.rows.append(row | {"hebb_norm": hebb_norm, "alpha_norm": alpha_norm})

    def table(self, condition: str, learner: Learner) -> list[dict]:
        """Return all rows; those of a run that diverged before its first note are what is to be seen at its end."""
        if not self.rows:
            self.note(0, learner)
        return [{"condition": condition} | row for row in self.rows]

    def state_dict(self) -> dict:
        return {"step": self.step, "rows": self.rows}

    def load_state_dict(self, state: dict) -> None:
        self.step, self.rows = state["step"], state["rows"]
