-- Roles and claims as Supabase has them. Where they exist already (a Supabase project), nothing is touched.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- roles belong to the cluster: another database's set-up was first
            END;
        END IF;
    END LOOP;
    IF to_regnamespace('auth') IS NULL THEN
        CREATE SCHEMA auth;
        GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
    END IF;
    IF to_regprocedure('auth.uid()') IS NULL THEN
        EXECUTE $f$
            CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
            $q$ SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $q$
        $f$;
    END IF;
    IF to_regprocedure('auth.role()') IS NULL THEN
        EXECUTE $f$
            CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS
            $q$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role' $q$
        $f$;
    END IF;
    IF to_regprocedure('auth.jwt()') IS NULL THEN
        EXECUTE $f$
            CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS
            $q$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb $q$
        $f$;
    END IF;
END
$$;

-- The application's login may become the two roles and nothing else.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'convstore_app') THEN
        BEGIN
            CREATE ROLE convstore_app LOGIN NOINHERIT;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT pg_has_role('convstore_app', 'authenticated', 'MEMBER') THEN
        GRANT authenticated TO convstore_app;
    END IF;
    IF NOT pg_has_role('convstore_app', 'service_role', 'MEMBER') THEN
        GRANT service_role TO convstore_app;
    END IF;
END
$$;

-- Who sets up must be able to act as the roles, or nobody could prove what they may do. A superuser can.
DO $$
DECLARE
    may CONSTANT text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF NOT pg_has_role(wanted, may) THEN
            BEGIN
                EXECUTE format('GRANT %I TO %I', wanted, current_user);
            EXCEPTION WHEN insufficient_privilege THEN
                NULL; -- somebody else's: `convstore doctor` says what is missing
            END;
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA IF NOT EXISTS convstore;
COMMENT ON SCHEMA convstore IS 'Functions of convstore; not meant for an HTTP gateway';
GRANT USAGE ON SCHEMA convstore TO authenticated, service_role;

-- Supabase has these, and `public` may belong to somebody else there.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['authenticated', 'service_role'] LOOP
        IF NOT has_schema_privilege(wanted, 'public', 'USAGE') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', wanted);
        END IF;
    END LOOP;
END
$$;
