import sys

import pytest

from rgaviz.errors import RgavizError
from rgaviz.own_code import InMemory, is_own_code, own_object, running


@pytest.mark.parametrize(
    "word", ["net.py:make", "a/b.net.py:Net", "/x/net.py:make", "package.module:make", "net:make"]
)
def test_words_of_own_code(word):
    assert is_own_code(word)


@pytest.mark.parametrize(
    "word",
    [
        "resnet18",
        "torchvision:resnet50",
        "timm:resnet50",
        "net.py",
        "net.py:",
        ":make",
        "net.py:a.b",
        None,
        "a b:c",
    ],
)
def test_other_words(word):
    assert not is_own_code(word)


def test_a_file_finds_what_lies_beside_it_and_leaves_the_path(tmp_path):
    (tmp_path / "beside_own.py").write_text("value = 7\n")
    (tmp_path / "net.py").write_text("from beside_own import value\ndef make():\n    return value\n")
    before = list(sys.path)
    make = own_object(f"{tmp_path}/net.py:make")
    assert make() == 7
    assert sys.path == before
    assert own_object(f"{tmp_path}/net.py:make") is make, "the file ran twice"


def test_two_files_of_one_name_are_two(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.py").write_text(f"who = {name!r}\n")
    assert [own_object(f"{tmp_path}/{name}/net.py:who") for name in "ab"] == ["a", "b"]


def test_a_package_below_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "ownpackage").mkdir()
    (tmp_path / "ownpackage" / "nets.py").write_text("make = list\n")
    monkeypatch.chdir(tmp_path)
    assert own_object("ownpackage.nets:make") is list


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("def make_net(): pass", "make", "Did you mean 'make_net'?"),
        ("", "make", "defines no function or class"),
        ("x = 1\nraise KeyError('no')", "make", "KeyError: 'no' (net.py, line 2)"),
        ("x = 1\ndef make(:\n", "make", "(net.py, line 2)"),
        ("import no_such_module_at_all", "make", "ModuleNotFoundError"),
    ],
)
def test_faults_are_one_line(tmp_path, text, name, told):
    (tmp_path / "net.py").write_text(text)
    with pytest.raises(RgavizError, match=r"net\.py") as caught:
        own_object(f"{tmp_path}/net.py:{name}")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("word", ["no/net.py:make", "no_such_package_xyz.nets:make"])
def test_nothing_there(word):
    with pytest.raises(RgavizError, match=r"there is no (file|module) .*net\.py:make_network"):
        own_object(word)


def test_a_file_that_fails_is_tried_again_when_mended(tmp_path):
    path = tmp_path / "net.py"
    path.write_text("raise ValueError('once')")
    with pytest.raises(RgavizError, match="once"):
        own_object(f"{path}:make")
    path.write_text("make = 1  # mended")
    assert own_object(f"{path}:make") == 1


def test_a_function_finds_its_neighbours_and_prints_nothing_into_answers(tmp_path, capsys):
    (tmp_path / "late_own.py").write_text("value = 5\n")
    (tmp_path / "net.py").write_text(
        "print('loaded')\ndef make():\n    from late_own import value\n    print(value)\n"
    )
    word = f"{tmp_path}/net.py:make"
    make, before = own_object(word), list(sys.path)
    with running(word):
        make()
    assert sys.path == before
    assert capsys.readouterr() == ("", "loaded\n5\n")


def test_code_that_ends_the_program(tmp_path):
    (tmp_path / "net.py").write_text("import sys\ndef make():\n    sys.exit('enough')\n")
    word = f"{tmp_path}/net.py:make"
    make = own_object(word)
    with pytest.raises(RgavizError, match=r"SystemExit: enough \(net.py, line 3\)"), running(word):
        make()


def test_what_is_in_memory_is_a_word():
    word = InMemory(dict)
    assert (word, is_own_code(word), own_object(word)) == ("builtins:dict", True, dict)
    assert is_own_code(InMemory(lambda: 1))
