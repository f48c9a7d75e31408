"""How migrations have generated columns kept in their rows."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.sqlite3.schema import DatabaseSchemaEditor as EditorOfSQLite
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import GeneratedField, Model, UniqueConstraint


class StoreGenerated(Operation):
    """Make the generated columns of a model STORED that were VIRTUAL.

    One statement for all of them, with their indexes, because each such statement copies the table.
    A second run does the same again.
    """

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        fields = state.models[app_label, self.model_name].fields
        for name, field in [*fields.items()]:
            if isinstance(field, GeneratedField):
                *_, words = field.deconstruct()
                stored = GeneratedField(**words | {"db_persist": True})
                state.alter_field(app_label, self.model_name, name, stored, preserve_default=True)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _make_anew(schema_editor, model)

    # Either way the columns become what they are in the state to come.
    database_backwards = database_forwards

    def describe(self) -> str:
        return f"Keep the generated columns of {self.model_name} in its rows"


def _make_anew(editor: BaseDatabaseSchemaEditor, model: type[Model]) -> None:
    """No database changes whether a column is stored: it is dropped and added."""
    if isinstance(editor, EditorOfSQLite):
        editor._remake_table(model)  # type: ignore[attr-defined] # not in the stubs
        return
    columns = [one for one in model._meta.local_fields if isinstance(one, GeneratedField)]
    kinds = [editor.column_sql(model, column) for column in columns]
    named = [editor.quote_name(str(column.column)) for column in columns]
    without, again = _indexes(editor, model, {column.name for column in columns})
    changes = [
        *without,
        *(f"DROP COLUMN {name}" for name in named),
        *(f"ADD COLUMN {name} {kind}" for name, (kind, _) in zip(named, kinds, strict=True)),
        *again,
    ]
    table = editor.quote_name(model._meta.db_table)
    values = [value for _, values in kinds for value in values or ()]
    editor.execute(f"ALTER TABLE {table} {', '.join(changes)}", values)


def _indexes(
    editor: BaseDatabaseSchemaEditor, model: type[Model], names: set[str]
) -> tuple[list[str], list[str]]:
    """How an ALTER TABLE drops what has any of these fields, and how it adds that again."""
    meta, quote = model._meta, editor.quote_name
    unique = [
        one
        for one in meta.constraints
        if isinstance(one, UniqueConstraint) and names & {*one.fields}
    ]
    others = [one for one in meta.indexes if names & {name for name, _ in one.fields_orders}]
    made = [one.create_sql(model, editor).parts for one in others]
    return (
        [f"DROP INDEX {quote(one.name)}" for one in (*unique, *others)],
        [f"ADD {one.constraint_sql(model, editor)}" for one in unique]
        + [f"ADD INDEX {parts['name']} ({parts['columns']})" for parts in made],
    )
