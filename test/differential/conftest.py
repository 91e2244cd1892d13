import os


def pytest_addoption(parser):
    parser.addoption("--seeds", type=int, default=int(os.environ.get("DIFFERENTIAL_SEEDS", 50)), help="the number of seeds")
    parser.addoption("--first", type=int, default=1, help="the first one")
    parser.addoption("--seed", type=int, help="only this one, with more output")
    parser.addoption("--rows", type=int, default=400, help="the maximum number of rows of a target")
    parser.addoption("--seconds", type=float, default=0, help="start no seed after this time, for a long run")


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        options = metafunc.config.option
        metafunc.parametrize("seed", [options.seed] if options.seed else range(options.first, options.first + options.seeds))
