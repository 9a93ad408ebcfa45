import numpy as np
import pytest

from facslens.datasets.load import load, read
from facslens.errors import CallError, DataError

NAN = np.nan
SITE = "http://images.example/N_0000000001"


def line(name, present=(), unknown=()):
    """A line as the program wrote them: two addresses, and the codes of 60 action units."""
    codes = ["1" if au in present else "999" if au in unknown else "0" for au in range(1, 61)]
    return "\t".join([f"{SITE}/{name}", f"http://elsewhere.example/a,b/{name}", *codes])


@pytest.fixture
def program(tmp_path, write_image):
    """Three images that are there, of which two have codes; one coded image is not there."""
    others = [au for au in range(1, 61) if au not in (1, 12)]
    lines = [
        line("a.jpg", [12], others),
        line("b.jpg", [1, 12], others),
        line("gone.jpg", [], others),
    ]
    (tmp_path / "dataFile_0001.txt").write_text("\n".join(lines) + "\n")
    for letter in "abc":
        write_image(tmp_path / "Images" / "N_0000000001" / f"{letter}.jpg")
    return tmp_path


@pytest.fixture
def people(tmp_path, write_image):
    text = (
        f"URL,URL orig,'AU 1','AU 12','AU 51'\n'{SITE}/a.jpg',x,0,999,1\n'{SITE}/b.jpg',x,1,1,0\n"
    )
    (tmp_path / "EmotioNet_FACS_aws_2020_24600.csv").write_text(text)
    for letter in "ab":
        write_image(tmp_path / "Images" / "N_0000000001" / f"{letter}.jpg")
    return tmp_path


def test_codes_of_the_program_are_marked_as_such(program):
    faces = load(f"emotionet:{program}")
    assert faces.name == "emotionet"
    assert list(faces.table["image"]) == [f"Images/N_0000000001/{letter}.jpg" for letter in "ab"]
    assert faces.aus == ("AU01", "AU12")
    np.testing.assert_array_equal(faces.presence(), [[0, 1], [1, 1]])
    assert all(coding.automatic for coding in faces.codings.values())
    assert set(faces.codings) == {"AU01", "AU12"}
    assert faces.table["subject"].isna().all()
    assert faces.notes == (
        "1 of 3 coded images are not there: gone.jpg",
        "1 of 3 images have no code, left out: c.jpg",
    )


def test_codes_of_people_are_read_from_their_table(people):
    faces = load(f"emotionet:{people}")
    np.testing.assert_array_equal(faces.presence(["AU01", "AU12"]), [[0, NAN], [1, 1]])
    assert not any(coding.automatic for coding in faces.codings.values())
    assert faces.notes[0].startswith("1 cells of action units in EmotioNet_FACS_aws_2020_24600.csv")


def test_codes_of_both_are_never_mixed(program, people):
    with pytest.raises(
        DataError, match=r"and of a program \(dataFile_0001.txt\): say coded=people"
    ):
        load(f"emotionet:{program}")
    by_people = load(f"emotionet:{program},coded=people")
    by_program = load(f"emotionet:{program},coded=program")
    assert not by_people.codings["AU12"].automatic
    assert by_program.codings["AU12"].automatic
    with pytest.raises(CallError, match="coded is 'both': expected people or program"):
        load(f"emotionet:{program},coded=both")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "http://x/a.jpg\tx\t1\t0\n",
            r"line 1 of dataFile_0001.txt has 4 cells .* expected 62, two",
        ),
        (
            line("a.jpg").replace("\t0", "\t2", 1),
            r"line 1 .* says '2' for AU01: expected 0, 1, or 999",
        ),
        (f"{line('a.jpg')}\n{line('a.jpg')}", r"a.jpg has codes twice below .*: expected once"),
    ],
)
def test_a_line_that_cannot_be_is_named(program, text, message):
    (program / "dataFile_0001.txt").write_text(text)
    with pytest.raises(DataError, match=f"^emotionet: {message}"):
        load(f"emotionet:{program}")


def test_two_images_of_one_name_are_named(program, write_image):
    write_image(program / "z" / "a.jpg")
    errors = [d.message for d in read(f"emotionet:{program}").defects if d.level == "error"]
    assert errors == ["a.jpg occurs twice: as Images/N_0000000001/a.jpg and as z/a.jpg"]


def test_a_table_without_addresses_is_named(people):
    (people / "EmotioNet_FACS_aws_2020_24600.csv").write_text("file,AU1\na.jpg,1\n")
    with pytest.raises(DataError, match="lacks the column 'URL': it has file, AU1"):
        load(f"emotionet:{people}")


def test_a_workbook_is_to_be_saved_as_csv(tmp_path, write_image):
    write_image(tmp_path / "a.jpg")
    (tmp_path / "EmotioNet_FACS_aws_2020_24600.xlsx").write_text("PK")
    with pytest.raises(DataError, match=r"holds no image with codes: .*its workbook saved as CSV"):
        load(f"emotionet:{tmp_path}")
