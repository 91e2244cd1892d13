def pytest_addoption(parser):
    parser.addoption("--seconds", type=int, default=25, help="the duration of the load")
    parser.addoption("--seed", type=int, default=1, help="another choice of keys, orders and options")
