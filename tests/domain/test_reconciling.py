import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.reconciling import STRETCH, compare, key_hash, key_hashes, stretches_of

records = st.dictionaries(st.integers(1, 5 * STRETCH), st.integers(0, 9), max_size=60)


@given(records, st.randoms(use_true_random=False))
def test_the_order_in_which_records_come_changes_nothing(held: dict[int, int], chance: object) -> None:
    shuffled = list(held.items())
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert stretches_of("e", dict(shuffled)) == stretches_of("e", held)
    assert compare(stretches_of("e", held).values(), stretches_of("e", held)) == ()


@given(records.filter(bool), st.data())
def test_a_record_that_is_missing_shows_in_its_stretch_alone(held: dict[int, int], data: st.DataObject) -> None:
    lost = data.draw(st.sampled_from(sorted(held)))
    there = {sequence: count for sequence, count in held.items() if sequence != lost}
    found = compare(stretches_of("e", held).values(), stretches_of("e", there))
    assert [item.number for item in found] == [lost // STRETCH]


def test_readings_that_are_there_twice_show_in_their_number() -> None:
    [found] = compare(stretches_of("e", {5: 10}).values(), stretches_of("e", {5: 20}))
    assert found.words == "records 1 to 1023: the gateway accepted 10 readings, the plant holds 20"


def test_another_record_of_the_same_size_shows_in_the_digest() -> None:
    [found] = compare(stretches_of("e", {5: 10}).values(), stretches_of("e", {6: 10}))
    assert "not the same ones" in found.words


def test_what_the_gateway_never_accepted_shows_too() -> None:
    [found] = compare([], stretches_of("e", {2000: 3}))
    assert found.words == "records 1024 to 2047: the gateway accepted 0 readings, the plant holds 3"


def test_hashes_of_neighbours_and_of_epochs_have_nothing_in_common() -> None:
    sequences = np.arange(1, 100_000, dtype=np.int64)
    assert len(np.unique(key_hashes("a", sequences))) == len(sequences)
    assert not np.any(key_hashes("a", sequences) == key_hashes("b", sequences))


@given(epoch=st.text(max_size=20), sequence=st.integers(0, 2**63 - 1))
def test_a_key_has_the_same_hash_alone_as_among_many(epoch: str, sequence: int) -> None:
    many = key_hashes(epoch, np.array([sequence, 1], dtype=np.int64))
    assert key_hash(epoch, sequence) == int(many[0])
