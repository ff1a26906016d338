"""All that the paper claims is coded."""

from papers.tsar.claims import CLAIMS


def test_all_41_claims_are_coded_once_and_in_order():
    assert [claim.id for claim in CLAIMS] == [f"tsar-{number:02d}" for number in range(1, 42)]
    assert len({claim.predicate for claim in CLAIMS}) == len({claim.text for claim in CLAIMS}) == 41
