def pytest_addoption(parser):
    parser.addoption("--seeds", type=int, default=50, help="so many seeds")
    parser.addoption("--first", type=int, default=1, help="the first of them")
    parser.addoption("--seed", type=int, help="only this one, and tell more")
    parser.addoption("--rows", type=int, default=400, help="most rows of a target")
    parser.addoption("--seconds", type=float, default=0, help="start no seed after so many seconds, for a long run")


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        options = metafunc.config.option
        metafunc.parametrize("seed", [options.seed] if options.seed else range(options.first, options.first + options.seeds))
