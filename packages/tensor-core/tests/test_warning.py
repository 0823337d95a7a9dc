"""Which line a warning names, as Python's ``warnings`` records it."""

import warnings

from lamella_core.warning import warn


def test_the_innermost_line_of_the_program():
    inside = {"__name__": "lamella_nn.functional", "warn": warn}
    exec("def one(): warn('text')\ndef two(): one()", inside)
    nameless = {"two": inside["two"], "__builtins__": {}}
    made = eval("lambda: two()", nameless)
    for call in (lambda: warn("text"), inside["one"], inside["two"], made):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        assert [(each.filename, str(each.message)) for each in caught] == [(__file__, "text")]
        assert caught[0].category is UserWarning
