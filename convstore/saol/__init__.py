"""Safe database operations for people, scripts and automated agents: every one tells what to do next.

The functions `agent_*` take the database first and everything else by name. They run as convstore itself, or with
`as_user` as a person, whom row-level security then binds; what changes the schema uses the admin's login.
"""

from convstore.saol.comparison import TableDifference
from convstore.saol.ddl import DDLResult, agent_execute_ddl
from convstore.saol.deleting import DeleteResult, agent_delete
from convstore.saol.effects import ObjectChange, RowChange
from convstore.saol.expected import (
    ExpectedColumn,
    ExpectedConstraint,
    ExpectedIndex,
    ExpectedTable,
    expected_from,
)
from convstore.saol.exporting import ExportResult, agent_export_data
from convstore.saol.import_books import ImportResult, ImportTotals
from convstore.saol.importing import agent_import_tool
from convstore.saol.indexes import (
    IndexResult,
    IndexUsageResult,
    agent_analyze_index_usage,
    agent_manage_index,
)
from convstore.saol.introspection import SchemaResult, TableDescription, agent_introspect_schema
from convstore.saol.maintenance import (
    BloatResult,
    MaintenanceResult,
    agent_analyze,
    agent_analyze_table_bloat,
    agent_reindex,
    agent_vacuum,
)
from convstore.saol.operations import OPERATIONS, get_operation, run_operation
from convstore.saol.preflight import PreflightCheck, PreflightResult, agent_preflight
from convstore.saol.querying import CountResult, QueryResult, agent_count, agent_query
from convstore.saol.recovery import ImportErrorsResult, agent_analyze_import_errors
from convstore.saol.results import NextAction, Result
from convstore.saol.rpc import RPCResult, agent_execute_rpc
from convstore.saol.setup import SetupResult, TableVerification, verify_setup
from convstore.saol.sql import SQLResult, agent_execute_sql
from convstore.saol.verification import VerifyResult, agent_verify_table

__all__ = [
    "OPERATIONS",
    "BloatResult",
    "CountResult",
    "DDLResult",
    "DeleteResult",
    "ExpectedColumn",
    "ExpectedConstraint",
    "ExpectedIndex",
    "ExpectedTable",
    "ExportResult",
    "ImportErrorsResult",
    "ImportResult",
    "ImportTotals",
    "IndexResult",
    "IndexUsageResult",
    "MaintenanceResult",
    "NextAction",
    "ObjectChange",
    "PreflightCheck",
    "PreflightResult",
    "QueryResult",
    "RPCResult",
    "Result",
    "RowChange",
    "SQLResult",
    "SchemaResult",
    "SetupResult",
    "TableDescription",
    "TableDifference",
    "TableVerification",
    "VerifyResult",
    "agent_analyze",
    "agent_analyze_import_errors",
    "agent_analyze_index_usage",
    "agent_analyze_table_bloat",
    "agent_count",
    "agent_delete",
    "agent_execute_ddl",
    "agent_execute_rpc",
    "agent_execute_sql",
    "agent_export_data",
    "agent_import_tool",
    "agent_introspect_schema",
    "agent_manage_index",
    "agent_preflight",
    "agent_query",
    "agent_reindex",
    "agent_vacuum",
    "agent_verify_table",
    "expected_from",
    "get_operation",
    "run_operation",
    "verify_setup",
]
