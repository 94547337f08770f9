"""The trials of a search, sorted for a terminal."""

from churn.trials import MOST, ranked, table, varied

HEAD = "trial,score,best_so_far,std,folds,pruned,n_estimators,max_depth,seed"
CONTENT = f"""{HEAD}
0,-0.5,-0.5,0.01,5,0,100,3,0
1,-0.3,-0.5,0.02,2,1,200,3,0
2,-0.42,-0.42,0.006,5,0,100,4,0
"""
SEARCH = {"scoring": "neg_log_loss", "configured_score": -0.45}


def test_the_best_come_first_and_those_given_up_last():
    assert [row["trial"] for row in ranked(CONTENT)] == ["2", "0", "1"]


def test_only_parameters_that_vary_are_shown():
    rows = ranked(CONTENT)

    assert varied(rows) == ["n_estimators", "max_depth"]
    assert table(rows, SEARCH) == [
        "neg_log_loss over 5 folds (greater is better), the best first:",
        "",
        "trial   mean ± sd          n_estimators   max_depth",
        "2       -0.4200 ± 0.0060   100            4",
        "0       -0.5000 ± 0.0100   100            3",
        "1       -0.3000 ± 0.0200   200            3           given up after 2 folds",
        "",
        "conf/model as it is: -0.4500",
    ]


def test_a_single_trial_varies_in_nothing():
    rows = ranked("\n".join(CONTENT.splitlines()[:2]))

    assert table(rows, SEARCH)[2:4] == ["trial   mean ± sd", "0       -0.5000 ± 0.0100"]


def test_a_long_list_is_cut():
    lines = [f"{n},-0.{n:03},-0.1,0.01,5,0,{n},3,0" for n in range(100, 100 + MOST + 7)]

    said = table(ranked("\n".join([HEAD, *lines])), SEARCH)

    assert said[2 + MOST].startswith(f"{100 + MOST - 1} ")
    assert said[3 + MOST] == "… and 7 more in reports/trials.csv"
