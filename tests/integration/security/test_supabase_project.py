"""Setting up in a Supabase project: roles and `auth` are there and somebody else's; nothing of it changes."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from convstore import schema
from convstore.database import Database
from convstore.isolation import check_isolation
from tests.fixtures_database import Server

# As a project has it: the owner of `auth` is no login of ours, and everything new in `public` is open to the world.
_PROJECT = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'supabase_auth_admin') THEN
        CREATE ROLE supabase_auth_admin NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'project_owner') THEN
        CREATE ROLE project_owner LOGIN CREATEROLE;
    END IF;
END $$;
GRANT anon, authenticated, service_role, convstore_app TO project_owner WITH ADMIN OPTION;
CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, project_owner;
SET ROLE supabase_auth_admin;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
$f$ SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $f$;
CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $f$ SELECT 'theirs' $f$;
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS
$f$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb $f$;
RESET ROLE;
GRANT ALL ON SCHEMA public TO project_owner;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE project_owner IN SCHEMA public
    GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE project_owner IN SCHEMA public
    GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE project_owner IN SCHEMA public
    GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
"""

# Everything that Supabase owns, as the catalogue has it.
_THEIRS = """
SELECT 'role', r.rolname, concat_ws(' ', r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
                                    r.rolbypassrls, r.rolconfig::text)
FROM pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated', 'service_role', 'supabase_auth_admin')
UNION ALL SELECT 'schema', n.nspname, concat_ws(' ', n.nspowner::regrole, n.nspacl::text)
FROM pg_namespace AS n WHERE n.nspname IN ('auth', 'public')
UNION ALL SELECT 'relation', c.relname, concat_ws(' ', c.relowner::regrole, c.relacl::text, c.relrowsecurity)
FROM pg_class AS c WHERE c.relnamespace = 'auth'::regnamespace
UNION ALL SELECT 'function', p.proname, concat_ws(' ', p.proowner::regrole, p.proacl::text, p.prosrc, p.proconfig::text)
FROM pg_proc AS p WHERE p.pronamespace = 'auth'::regnamespace
UNION ALL SELECT 'default', d.defaclobjtype::text, concat_ws(' ', d.defaclrole::regrole, d.defaclacl::text)
FROM pg_default_acl AS d
ORDER BY 1, 2
"""


@pytest.fixture
def project(server: Server, template: str) -> Iterator[Database]:
    """An empty database as a project has it; its owner is no superuser."""
    name = "test_project"
    server.create(name)
    with psycopg.connect(server.url(name)) as connection:
        connection.execute(_PROJECT)
        connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO project_owner").format(sql.Identifier(name)))
    database = Database(server.url(name, user="convstore_app"), admin_url=server.url(name, user="project_owner"))
    yield database
    database.close()
    server.drop(name)


def theirs(server: Server) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url("test_project")) as connection:
        return connection.execute(_THEIRS).fetchall()


def test_init_changes_nothing_that_supabase_owns(server: Server, project: Database) -> None:
    before = theirs(server)
    schema.upgrade(project)
    schema.seed(project, admin_email="ana@example.org", local_name="")
    assert theirs(server) == before
    # And what is ours is closed, whatever the project opens by default.
    assert [result for result in check_isolation(project) if result.status != "ok"] == []
