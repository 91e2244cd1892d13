def pytest_addoption(parser):
    parser.addoption("--chunks", type=int, default=100000, help="the number of chunks of 10 rows")
    parser.addoption("--megabytes", type=int, default=100, help="the size of a large row")
    parser.addoption("--rows", type=int, default=0, help="also: time and memory of this many rows compared with a tenth of them")
