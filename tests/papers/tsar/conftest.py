import pytest

from common import protocol
from papers.tsar.protocol import Protocol
from tests.papers.tsar.small import PATH


@pytest.fixture
def paper_plan():
    return protocol.read(PATH, Protocol, "paper")
