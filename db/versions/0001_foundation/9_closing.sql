-- Last, for everything that came before: what Supabase opens by default, and PostgreSQL for functions.
DO $$
DECLARE
    ours text;
BEGIN
    FOR ours IN
        SELECT s.oid::regclass::text
        FROM pg_class AS s
        JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
        JOIN pg_policy AS p ON p.polrelid = d.refobjid AND p.polname = 'Service role may do everything'
        WHERE s.relkind = 'S' AND s.relnamespace = 'public'::regnamespace
    LOOP
        -- Identity columns need no right on their sequence, and whoever sets one back stops every insert.
        EXECUTE format('REVOKE ALL ON SEQUENCE %s FROM PUBLIC, anon, authenticated, service_role', ours);
    END LOOP;
END
$$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA convstore FROM PUBLIC, anon;
