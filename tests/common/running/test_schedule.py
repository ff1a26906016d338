"""Jobs side by side: none before what makes its inputs, the higher priority first, and the disk counted at its peak."""

from __future__ import annotations

import random

import pytest

from common.running.schedule import Item, play


def item(seconds, inputs=(), outputs=(), **more):
    return Item(seconds, inputs, dict.fromkeys(outputs, 1.0), **more)


def test_jobs_that_need_nothing_share_the_cores():
    jobs = [item(10.0) for _ in range(5)]
    assert [play(jobs, cores)[0] for cores in (1, 2, 3, 5, 9)] == [50, 30, 20, 10, 10]


def test_a_chain_takes_its_whole_length_on_any_number_of_cores():
    chain = [item(3, ["b"], ["c"]), item(1, [], ["a"]), item(2, ["a", "there already"], ["b"])]
    assert play(chain, 8)[0] == 6


def test_a_higher_priority_goes_first():
    jobs = [item(1.0), item(5.0), item(2.0, priority=1), item(2.0, ["x"]), item(2.0, outputs=["x"], priority=2)]
    # two cores: x and the one of priority 1 until 2, then both first ones, and what needs x from 3 on
    assert play(jobs, 2)[0] == 7


@pytest.mark.parametrize(("gpus", "wall"), [(1, 30), (2, 20), (3, 10)])
def test_jobs_on_a_gpu_wait_for_it_and_others_do_not(gpus, wall):
    jobs = [item(10.0, on_gpu=True) for _ in range(3)] + [item(10.0) for _ in range(2)]
    assert play(jobs, 16, gpus)[0] == wall


def test_what_is_temporary_goes_once_its_last_reader_is_done():
    model = item(1, [], ["model"], temporary=frozenset(["model"]), state=10.0)
    readers = [item(1, ["model"], ["tune"]), item(1, ["model", "tune"], ["recall"])]
    late = item(5, ["recall"], ["figure"], state=2.0)
    # while the model is learned: 1 + 10; at the end: two tables, a figure, and its state, but no model
    assert play([model, *readers, late], 1) == (8, 11)
    assert play([model._replace(state=0.0), *readers, late], 1) == (8, 5)
    assert play([model._replace(state=0.0, temporary=frozenset()), *readers, late], 1) == (8, 6)


@pytest.mark.parametrize("seed", range(20))
def test_no_schedule_is_shorter_than_its_work_or_its_chain_or_longer_than_one_after_the_other(seed):
    source = random.Random(seed)
    jobs, longest = [], []
    for number in range(60):
        inputs = source.sample(range(number), min(number, source.choice([0, 1, 3])))
        seconds = source.uniform(0, 10)
        longest.append(seconds + max((longest[other] for other in inputs), default=0))
        jobs.append(item(seconds, [str(other) for other in inputs], [str(number)], on_gpu=source.random() < 0.3))
    cores, work = source.choice([1, 2, 4, 16]), sum(job.seconds for job in jobs)
    wall, peak = play(jobs, cores)
    least = max(work / cores, max(longest), sum(job.seconds for job in jobs if job.on_gpu))
    assert least - 1e-6 <= wall <= work + 1e-6
    assert peak == len(jobs)
