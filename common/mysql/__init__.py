"""Django's backend for MySQL and MariaDB, with a statement less in every transaction."""
