"""README's tables and picture say no more than the files that they are made from."""

import pandas as pd
import pytest

from experiments.documentation import overview, tables
from experiments.documentation.values import read
from experiments.reproduce.renewal import TABLE, kept_lengths
from schedsearch.transfer.overview import decisive
from schedsearch.transfer.relations import STRANGERS, UNIVERSAL


@pytest.mark.parametrize("kept", [True, False])
def test_the_cost_is_of_choices_without_the_judges_speaker_and_of_the_file_if_an_earlier_one_was_kept(kept):
    matrix = read("results/shipped/transfer/matrix-12.csv")
    losses = decisive(matrix).groupby("relation")["relative_loss"].max()
    told = tables.cost(matrix, kept)
    assert told.startswith(f"at most {losses[STRANGERS]:.1%} (interval".replace("%", " %"))
    file = f"this file at most {losses[UNIVERSAL]:.1%}".replace("%", " %")
    assert (file in told) == kept


def test_a_schedule_is_kept_where_the_last_choice_did_not_beat_it(tmp_path):
    assert kept_lengths(tmp_path) == set()
    rows = pd.DataFrame({"iterations": [6, 6, 12], "ships": ["earlier", "earlier", "new"]})
    rows.to_csv(tmp_path / TABLE, index=False)
    assert kept_lengths(tmp_path) == {6}


def test_no_line_of_the_picture_joins_lengths_that_other_weights_were_judged_in():
    matrix = pd.DataFrame({"iterations": [6, 6, 12, 12, 25, 25], "checkpoint": ["new", "old", "old", "a", "a", "old"]})
    found = [sorted(set(rows["iterations"])) for _, rows in overview._by_judges(matrix)]
    assert sorted(found) == [[6], [12, 25]]
