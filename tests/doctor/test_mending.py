"""The fixes of several findings come together in one text, whether they were made beside or on top of one another."""

from unstuck.doctor.mending import merged

ORIGINAL = "a = 1\nb = 2\nc = 3\nd = 4\n"


def test_fixes_of_different_lines_are_all_there():
    assert merged(ORIGINAL, ["a = 9\nb = 2\nc = 3\nd = 4\n", "a = 1\nb = 2\nc = 3\nd = 8\ne = 5\n"]) == (
        "a = 9\nb = 2\nc = 3\nd = 8\ne = 5\n"
    )


def test_a_fix_made_on_top_of_another_is_not_applied_twice():
    first = "a = 9\nb = 2\nc = 3\nd = 4\n"
    both = "a = 9\nb = 2\nnew = 0\nc = 7\nd = 4\n"
    assert merged(ORIGINAL, [first, both]) == both
    assert merged(ORIGINAL, [both, first]) == both


def test_of_two_fixes_of_one_line_the_larger_change_counts():
    small, large = "a = 1\nb = 5\nc = 3\nd = 4\n", "a = 1\nb = 6\nc = 0\nd = 4\n"
    assert merged(ORIGINAL, [small, large]) == large


def test_fixes_that_do_not_go_together_leave_a_program_that_can_be_read():
    opened = "if a:\n    b = 2\n"
    text = merged("if a:\n    b = 2\n", [opened.replace("if a:", "for a in b:"), "b = 2\n"])
    compile(text, "mended", "exec")
