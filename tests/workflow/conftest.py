"""Copies of the checkout for the workflow's tests."""

from __future__ import annotations

import pytest

from tests.workflow.checkout import Checkout


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture(scope="session")
def unchanged_checkout(tmp_path_factory) -> Checkout:
    """A copy for tests that neither change files nor run jobs."""
    return Checkout(tmp_path_factory.mktemp("checkout"))
