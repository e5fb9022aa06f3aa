-- Counts of statuses, tiers, personas, arcs and topics without reading a million rows. Triggers append what changed, a
-- job folds it into counts. No counter row is updated by a reviewer's statement, so nobody queues behind anybody.
CREATE TABLE facet_changes (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    workspace_id UUID NOT NULL,
    status TEXT NOT NULL,
    tier TEXT NOT NULL,
    persona TEXT NOT NULL,
    arc TEXT NOT NULL,
    topic TEXT NOT NULL,
    delta INTEGER NOT NULL,
    CONSTRAINT pk_facet_changes PRIMARY KEY (id)
);

CREATE INDEX idx_facet_changes_workspace_id ON facet_changes (workspace_id);

COMMENT ON TABLE facet_changes IS 'Conversations that came to or left a cell of facets, since the last compaction';

COMMENT ON COLUMN facet_changes.workspace_id IS 'No foreign key: a deleted workspace''s conversations leave it last';

CREATE TABLE facet_counts (
    workspace_id UUID NOT NULL,
    given TEXT NOT NULL,
    given_value TEXT NOT NULL,
    facet TEXT NOT NULL,
    value TEXT NOT NULL,
    count BIGINT NOT NULL,
    CONSTRAINT pk_facet_counts PRIMARY KEY (workspace_id, given, given_value, facet, value),
    CONSTRAINT fk_facet_counts_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

COMMENT ON TABLE facet_counts IS 'Active conversations by facet, alone and under one value of another facet';

COMMENT ON COLUMN facet_counts.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN facet_counts.given IS 'The facet that is held fast; empty: none';

COMMENT ON COLUMN facet_counts.value IS 'Empty: the conversation has none';

CREATE FUNCTION convstore.facets_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.facet_changes (workspace_id, status, tier, persona, arc, topic, delta)
        SELECT n.workspace_id, n.status, n.tier, coalesce(n.persona_key, ''), coalesce(n.emotional_arc_key, ''),
               coalesce(n.topic_key, ''), count(*)
        FROM new_rows AS n WHERE n.is_active
        GROUP BY 1, 2, 3, 4, 5, 6;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO public.facet_changes (workspace_id, status, tier, persona, arc, topic, delta)
        SELECT o.workspace_id, o.status, o.tier, coalesce(o.persona_key, ''), coalesce(o.emotional_arc_key, ''),
               coalesce(o.topic_key, ''), -count(*)
        FROM old_rows AS o WHERE o.is_active
        GROUP BY 1, 2, 3, 4, 5, 6;
    ELSE
        INSERT INTO public.facet_changes (workspace_id, status, tier, persona, arc, topic, delta)
        SELECT m.workspace_id, m.status, m.tier, coalesce(m.persona_key, ''), coalesce(m.emotional_arc_key, ''),
               coalesce(m.topic_key, ''), sum(m.delta)
        FROM (
            SELECT n.workspace_id, n.status, n.tier, n.persona_key, n.emotional_arc_key, n.topic_key, 1 AS delta
            FROM new_rows AS n WHERE n.is_active
            UNION ALL
            SELECT o.workspace_id, o.status, o.tier, o.persona_key, o.emotional_arc_key, o.topic_key, -1
            FROM old_rows AS o WHERE o.is_active
        ) AS m
        GROUP BY 1, 2, 3, 4, 5, 6
        HAVING sum(m.delta) <> 0;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER conversations_facets_inserted AFTER INSERT ON conversations REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.facets_changed();
CREATE TRIGGER conversations_facets_updated AFTER UPDATE ON conversations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.facets_changed();
CREATE TRIGGER conversations_facets_deleted AFTER DELETE ON conversations REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.facets_changed();

-- Folds what was appended; how many changes. A reader's snapshot sees the changes or the counts, never both or neither.
CREATE FUNCTION convstore.compact_facets() RETURNS bigint LANGUAGE plpgsql SET search_path = '' AS
$$
DECLARE
    folded bigint;
BEGIN
    IF NOT pg_catalog.pg_try_advisory_xact_lock(4707220191) THEN
        RETURN 0; -- another worker is at it
    END IF;
    WITH gone AS (
        DELETE FROM public.facet_changes RETURNING *
    ), cells AS (
        SELECT g.workspace_id, g.status, g.tier, g.persona, g.arc, g.topic, sum(g.delta) AS delta
        FROM gone AS g JOIN public.workspaces AS w ON w.id = g.workspace_id
        GROUP BY 1, 2, 3, 4, 5, 6
        HAVING sum(g.delta) <> 0
    ), counted AS (
        INSERT INTO public.facet_counts AS kept (workspace_id, given, given_value, facet, value, count)
        SELECT c.workspace_id, g.facet, g.value, f.facet, f.value, sum(c.delta)
        FROM cells AS c
        CROSS JOIN LATERAL (
            VALUES ('', ''), ('status', c.status), ('tier', c.tier), ('persona', c.persona), ('arc', c.arc), ('topic', c.topic)
        ) AS g (facet, value)
        CROSS JOIN LATERAL (
            VALUES ('status', c.status), ('tier', c.tier), ('persona', c.persona), ('arc', c.arc), ('topic', c.topic)
        ) AS f (facet, value)
        WHERE g.facet <> f.facet
        GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (workspace_id, given, given_value, facet, value) DO UPDATE SET count = kept.count + excluded.count
    )
    SELECT count(*) INTO folded FROM gone;
    DELETE FROM public.facet_counts WHERE count = 0;
    RETURN folded;
END
$$;
COMMENT ON FUNCTION convstore.compact_facets() IS 'Folds facet_changes into facet_counts; any number of callers';

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['facet_changes', 'facet_counts'] LOOP
        EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, anon, authenticated, service_role', t);
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.%I TO service_role', t);
        EXECUTE format('GRANT SELECT ON public.%I TO authenticated', t);
        EXECUTE format('CREATE POLICY "Service role may do everything" ON public.%I TO service_role USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY "Members see" ON public.%I FOR SELECT TO authenticated
            USING (workspace_id IN (SELECT convstore.my_workspaces(''viewer'')))', t);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION convstore.facets_changed(), convstore.compact_facets() FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION convstore.compact_facets() TO service_role;
