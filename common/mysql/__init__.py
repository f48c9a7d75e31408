"""Django's backend for MySQL and MariaDB, with one statement fewer per transaction."""
