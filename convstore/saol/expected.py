"""What a table should be: stated by hand, or taken from its definition in Python. Knows no connection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import sqlalchemy

__all__ = [
    "ExpectedColumn",
    "ExpectedConstraint",
    "ExpectedIndex",
    "ExpectedTable",
    "expected_from",
    "normal_type",
]

ConstraintKind = Literal["primary key", "unique", "foreign key", "check"]

_ALIASES = {
    "varchar": "character varying",
    "char": "character",
    "decimal": "numeric",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "serial": "integer",
    "bigserial": "bigint",
    "bool": "boolean",
    "float": "double precision",
    "float4": "real",
    "float8": "double precision",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "time": "time without time zone",
}
_TYPE = re.compile(r"([a-z_][a-z0-9_ ]*?)\s*(\([\d,\s]*\))?\s*((?:with|without) time zone)?\s*((?:\[\])*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedColumn:
    """A column; None leaves a property open. `definition` is what ADD COLUMN takes."""

    name: str
    type: str
    nullable: bool | None = None
    definition: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedIndex:
    """An index; no columns leave them open."""

    name: str
    columns: tuple[str, ...] = ()
    unique: bool = False
    definition: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedConstraint:
    """A constraint; `definition` is what ADD CONSTRAINT takes."""

    name: str
    kind: ConstraintKind
    columns: tuple[str, ...] = ()
    references: str | None = None
    definition: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedTable:
    """A table; None leaves policies and row-level security open. `definition` creates it."""

    name: str
    columns: tuple[ExpectedColumn, ...] = ()
    indexes: tuple[ExpectedIndex, ...] = ()
    constraints: tuple[ExpectedConstraint, ...] = ()
    policies: tuple[str, ...] | None = None
    row_level_security: bool | None = None
    definition: str | None = None


def normal_type(name: str) -> str:
    """A type as PostgreSQL itself writes it: `VARCHAR(10)` is `character varying(10)`."""
    text = " ".join(name.lower().split())
    match = _TYPE.fullmatch(text)
    if match is None:
        return text
    base, size, zone, array = match.groups()
    spelled = _ALIASES.get(f"{base} {zone}" if zone else base, f"{base} {zone}" if zone else base)
    if size:
        head, _, tail = spelled.partition(" ") if spelled.startswith("time") else (spelled, "", "")
        spelled = f"{head}{size.replace(' ', '')}" + (f" {tail}" if tail else "")
    return spelled + (array or "")


def expected_from(table: sqlalchemy.Table, *, policies: tuple[str, ...] | None = None) -> ExpectedTable:
    """What a SQLAlchemy table promises; with `policies`, row-level security is expected too."""
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import AddConstraint, CreateColumn, CreateIndex, CreateTable

    # A module of a library that ships without types for this function.
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    preparer = dialect.identifier_preparer

    def sql(element: sa.schema.ExecutableDDLElement | CreateColumn) -> str:
        return " ".join(str(element.compile(dialect=dialect)).split())

    kinds: dict[type[sa.Constraint], ConstraintKind] = {
        sa.PrimaryKeyConstraint: "primary key",
        sa.UniqueConstraint: "unique",
        sa.ForeignKeyConstraint: "foreign key",
        sa.CheckConstraint: "check",
    }
    constraints = []
    for constraint in table.constraints:
        kind = kinds.get(type(constraint))
        columns = tuple(column.name for column in getattr(constraint, "columns", ()))
        if kind is None or (kind == "primary key" and not columns):
            continue
        references = (
            constraint.elements[0].target_fullname.rpartition(".")[0]
            if isinstance(constraint, sa.ForeignKeyConstraint)
            else None
        )
        constraints.append(
            ExpectedConstraint(
                name=str(preparer.format_constraint(constraint)).strip('"'),
                kind=kind,
                # A check says by its text what it is about.
                columns=() if kind == "check" else columns,
                references=references,
                definition=sql(AddConstraint(constraint)).partition(" ADD ")[2],
            )
        )
    return ExpectedTable(
        name=table.name,
        columns=tuple(
            ExpectedColumn(
                name=column.name,
                type=normal_type(_type_name(column, dialect)),
                nullable=bool(column.nullable),
                definition=sql(CreateColumn(column)),
            )
            for column in table.columns
        ),
        indexes=tuple(
            ExpectedIndex(
                name=str(preparer.format_index(index)).strip('"'),
                columns=tuple(column.name for column in index.columns),
                unique=bool(index.unique),
                definition=sql(CreateIndex(index)),
            )
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ),
        constraints=tuple(sorted(constraints, key=lambda constraint: constraint.name)),
        policies=policies,
        row_level_security=None if policies is None else True,
        definition=sql(CreateTable(table)),
    )


def _type_name(column: sqlalchemy.Column[object], dialect: sqlalchemy.Dialect) -> str:
    # The collation is part of SQLAlchemy's spelling and not of PostgreSQL's type.
    return column.type.compile(dialect=dialect).partition(" COLLATE ")[0]
