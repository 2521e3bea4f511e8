"""Numbers with their nouns."""

import pytest

from schedsearch.formatting import counted


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0 clips"), (1, "1 clip"), (2, "2 clips"), (1000, "1000 clips"), (12345, "12,345 clips")]
)
def test_one_is_one_and_all_other_numbers_are_many(number, told):
    assert counted(number, "clip") == told


def test_many_may_have_a_word_of_its_own():
    assert (counted(1, "axis", "axes"), counted(3, "axis", "axes")) == ("1 axis", "3 axes")
