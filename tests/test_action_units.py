import pytest

from facslens import action_units
from facslens.errors import CallError


@pytest.mark.parametrize(
    "text", ["12", "AU12", "au_12", "AU 12", "AU-12", "action unit 12", " au12 ", 12, "AU012"]
)
def test_every_spelling_gives_the_same_code(text):
    assert action_units.parse(text) == "AU12"


@pytest.mark.parametrize("text", ["AU3", "AU40", "AU47", "0", "smile", "", "AU1.5", -1])
def test_what_facs_does_not_define_is_refused(text):
    with pytest.raises(CallError, match="is no action unit: expected a spelling such as AU12"):
        action_units.parse(text)


def test_the_vocabulary_runs_from_1_to_46_with_the_manuals_gaps():
    numbers = {unit.number for unit in action_units.ACTION_UNITS.values()}
    assert numbers == set(range(1, 47)) - {3, 40}
    assert action_units.ACTION_UNITS["AU06"].muscles == "orbicularis oculi, pars orbitalis"


def test_a_bare_number_is_no_column_of_an_action_unit():
    assert action_units.parse_column("12") is None
    assert action_units.parse_column("au_12") == ("AU12", "presence")


@pytest.mark.parametrize(
    "name",
    [
        "AU12_x",
        "AU12_",
        "AU3_r",
        "AU12_r_c",
        "audio",
        "AU12 left",
        "AU12r",
        "AU12L",
        "AU1+2",
        "AU12 brow lowerer",
        "AU12_raiser",
        "AU6 (r",
    ],
)
def test_a_column_of_another_form_is_none(name):
    assert action_units.parse_column(name) is None


def test_a_suffix_says_the_kind():
    found = {n: action_units.parse_column(f"AU4{n}", "probability") for n in ("", "_C", "_r")}
    assert found == {
        "": ("AU04", "probability"), "_C": ("AU04", "presence"), "_r": ("AU04", "intensity"),
    }  # fmt: skip
