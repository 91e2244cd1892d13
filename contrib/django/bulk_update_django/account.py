"""What became of the objects."""

from collections import namedtuple


class Account(namedtuple("Account", "rows_fetched rows_updated rows_unchanged rows_missing rows_stale"
                                    " rows_duplicate rows_rejected chunks")):
    """The outcomes of the objects: rows_fetched is the sum of the next six."""

    @property
    def rows_matched(self):
        """The number that Django's bulk_update() returns."""
        return self.rows_updated + self.rows_unchanged


NOTHING = Account(0, 0, 0, 0, 0, 0, 0, 0)
