from django.db.backends.mysql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Begins a transaction by saying so, where Django turns autocommit off and on again."""

    def _start_transaction_under_autocommit(self) -> None:
        with self.wrap_database_errors:
            self.connection.query("START TRANSACTION")
