-- How long things are kept, and where they go: expiry, the archive, the use of space.

-- A conversation expires so many days after its last change, one in the trash so many days after it went there.
CREATE FUNCTION convstore.expiry(workspace uuid, status text, deleted_at timestamptz, updated_at timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$$
    SELECT coalesce(deleted_at, updated_at) + make_interval(days => p.keep_days)
    FROM public.retention_policies AS p
    WHERE p.workspace_id = workspace AND p.subject = CASE WHEN deleted_at IS NULL THEN status ELSE 'trash' END
$$;

-- Named to fire after conversations_lifecycle, which settles status and times.
CREATE FUNCTION convstore.keep_expiry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    IF TG_OP = 'INSERT' OR (NEW.status, NEW.deleted_at, NEW.updated_at) IS DISTINCT FROM (OLD.status, OLD.deleted_at, OLD.updated_at) THEN
        -- As convstore.expiry() has it, here without a call for every row of a bulk decision.
        NEW.expires_at := (
            SELECT coalesce(NEW.deleted_at, NEW.updated_at) + make_interval(days => p.keep_days)
            FROM public.retention_policies AS p
            WHERE p.workspace_id = NEW.workspace_id
              AND p.subject = CASE WHEN NEW.deleted_at IS NULL THEN NEW.status ELSE 'trash' END
        );
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER conversations_retention BEFORE INSERT OR UPDATE ON conversations
    FOR EACH ROW EXECUTE FUNCTION convstore.keep_expiry();

CREATE FUNCTION convstore.policy_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    changed public.retention_policies := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    UPDATE public.conversations AS c
    SET expires_at = convstore.expiry(c.workspace_id, c.status, c.deleted_at, c.updated_at)
    WHERE c.workspace_id = changed.workspace_id
      AND CASE WHEN changed.subject = 'trash' THEN NOT c.is_active ELSE c.is_active AND c.status = changed.subject END;
    RETURN NULL;
END
$$;
CREATE TRIGGER retention_policies_applied AFTER INSERT OR UPDATE OR DELETE ON retention_policies
    FOR EACH ROW EXECUTE FUNCTION convstore.policy_changed();

CREATE FUNCTION convstore.give_policies() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    INSERT INTO public.retention_policies (workspace_id, subject, keep_days)
    VALUES (NEW.id, 'rejected', 30), (NEW.id, 'pending_review', 90), (NEW.id, 'trash', 30);
    RETURN NULL;
END
$$;
CREATE TRIGGER workspaces_retention AFTER INSERT ON workspaces
    FOR EACH ROW EXECUTE FUNCTION convstore.give_policies();

-- What a release names stays until the whole workspace goes.
CREATE FUNCTION convstore.keep_released() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    IF EXISTS (SELECT FROM public.release_items AS r WHERE r.workspace_id = OLD.workspace_id AND r.conversation_id = OLD.id)
       AND EXISTS (SELECT FROM public.workspaces AS w WHERE w.id = OLD.workspace_id) THEN
        RAISE EXCEPTION 'a release names %', OLD.conversation_id USING ERRCODE = '23503', CONSTRAINT = 'conversations_released';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER conversations_released BEFORE DELETE ON conversations
    FOR EACH ROW EXECUTE FUNCTION convstore.keep_released();

-- The service role moves rows for somebody: that person's right counts, and convstore's own.
CREATE FUNCTION convstore.leads(workspace uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$$
    SELECT auth.uid() = '00000000-0000-4000-8000-000000000001' OR workspace IN (SELECT convstore.my_workspaces('lead'))
$$;

-- To the archive and back. The file stays where it is; rows move with everything that hangs on them.
CREATE FUNCTION convstore.archive_conversations(workspace uuid, ids uuid[]) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    moved uuid[];
BEGIN
    IF NOT convstore.leads(workspace) THEN
        RAISE EXCEPTION 'only a lead archives' USING ERRCODE = '42501';
    END IF;
    PERFORM FROM public.conversations AS c WHERE c.workspace_id = workspace AND c.id = ANY (ids) ORDER BY c.id FOR UPDATE;
    WITH made AS (
        INSERT INTO public.conversations_archive
            (id, workspace_id, conversation_id, conversation_name, row, turns, findings, reviews, exclusions, archived_by)
        -- Means of reviews are made again on the way back: by then the workspace may be blind.
        SELECT c.id, c.workspace_id, c.conversation_id, c.conversation_name,
               to_jsonb(c) - ARRAY['human_quality_score', 'human_empathy_score', 'human_clarity_score',
                                   'human_appropriateness_score', 'human_brand_voice_alignment', 'effective_quality'],
               coalesce((SELECT jsonb_agg(to_jsonb(t) ORDER BY t.turn_number)
                         FROM public.conversation_turns AS t WHERE t.workspace_id = workspace AND t.conversation_id = c.id), '[]'),
               coalesce((SELECT jsonb_agg(to_jsonb(f)) FROM public.findings AS f
                         WHERE f.workspace_id = workspace AND f.conversation_id = c.id), '[]'),
               coalesce((SELECT jsonb_agg(to_jsonb(r)) FROM public.reviews AS r
                         WHERE r.workspace_id = workspace AND r.conversation_id = c.id), '[]'),
               coalesce((SELECT jsonb_agg(to_jsonb(x)) FROM public.turn_exclusions AS x
                         WHERE x.workspace_id = workspace AND x.conversation_id = c.id), '[]'),
               auth.uid()
        FROM public.conversations AS c
        WHERE c.workspace_id = workspace AND c.id = ANY (ids) AND c.is_active
          AND NOT EXISTS (SELECT FROM public.release_items AS i WHERE i.workspace_id = workspace AND i.conversation_id = c.id)
        RETURNING conversations_archive.id
    )
    SELECT coalesce(array_agg(made.id), '{}') INTO moved FROM made;
    PERFORM set_config('convstore.moving', 'archived', true);
    DELETE FROM public.conversations AS c WHERE c.workspace_id = workspace AND c.id = ANY (moved);
    PERFORM set_config('convstore.moving', '', true);
    RETURN QUERY SELECT unnest(moved);
END
$$;

CREATE FUNCTION convstore.insert_rows(target regclass, records jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = '' AS
$$
DECLARE
    columns text := (
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a
        WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    );
BEGIN
    EXECUTE format('INSERT INTO %1$s (%2$s) SELECT %2$s FROM jsonb_populate_recordset(NULL::%1$s, $1)', target, columns) USING records;
END
$$;

CREATE FUNCTION convstore.unarchive_conversations(workspace uuid, ids uuid[]) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    kept public.conversations_archive%ROWTYPE;
    back uuid[] := '{}';
BEGIN
    IF NOT convstore.leads(workspace) THEN
        RAISE EXCEPTION 'only a lead brings conversations back from the archive' USING ERRCODE = '42501';
    END IF;
    PERFORM set_config('convstore.moving', 'unarchived', true);
    FOR kept IN
        SELECT a.* FROM public.conversations_archive AS a
        WHERE a.workspace_id = workspace AND a.id = ANY (ids)
          AND NOT EXISTS (SELECT FROM public.conversations AS c
                          WHERE c.workspace_id = workspace AND c.conversation_id = a.conversation_id)
        ORDER BY a.id FOR UPDATE
    LOOP
        -- What it referred to may be gone by now; the keys stay. Coming back counts as a change.
        PERFORM convstore.insert_rows('public.conversations', jsonb_build_array(kept.row || jsonb_build_object(
            'updated_at', now(),
            'persona_id', (SELECT p.id FROM public.personas AS p
                           WHERE p.workspace_id = workspace AND p.persona_key = kept.row ->> 'persona_key'),
            'emotional_arc_id', (SELECT e.id FROM public.emotional_arcs AS e
                                 WHERE e.workspace_id = workspace AND e.arc_key = kept.row ->> 'emotional_arc_key'),
            'training_topic_id', (SELECT t.id FROM public.training_topics AS t
                                  WHERE t.workspace_id = workspace AND t.topic_key = kept.row ->> 'topic_key'),
            'template_id', (SELECT t.id FROM public.prompt_templates AS t
                            WHERE t.workspace_id = workspace AND t.id = (kept.row ->> 'template_id')::uuid)
        )));
        PERFORM convstore.insert_rows('public.conversation_turns', kept.turns);
        PERFORM convstore.insert_rows('public.findings', kept.findings);
        PERFORM convstore.insert_rows('public.reviews', kept.reviews);
        PERFORM convstore.insert_rows('public.turn_exclusions', kept.exclusions);
        DELETE FROM public.conversations_archive AS a WHERE a.id = kept.id;
        back := back || kept.id;
        RETURN NEXT kept.id;
    END LOOP;
    PERFORM set_config('convstore.moving', '', true);
    PERFORM convstore.keep_human_scores(back);
END
$$;

-- Bytes by what holds them: the statuses, the trash, the archive, files that could not be read, uploads that wait.
CREATE FUNCTION convstore.storage_use(workspace uuid) RETURNS TABLE (kind text, items bigint, bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$$
    SELECT u.kind, u.items, u.bytes
    FROM (
        SELECT CASE WHEN c.is_active THEN c.status ELSE 'trash' END AS kind, count(*) AS items, sum(c.file_size)::bigint AS bytes
        FROM public.conversations AS c WHERE c.workspace_id = workspace GROUP BY 1
        UNION ALL
        SELECT 'archive', count(*), sum((a.row ->> 'file_size')::bigint)::bigint
        FROM public.conversations_archive AS a WHERE a.workspace_id = workspace
        UNION ALL
        SELECT 'quarantine', count(*), sum(q.bytes)::bigint
        FROM public.quarantine AS q WHERE q.workspace_id = workspace AND q.object_paths <> '{}'
        UNION ALL
        SELECT 'uploads', count(*), sum((j.arguments ->> 'stored_bytes')::bigint)::bigint
        FROM public.jobs AS j
        WHERE j.workspace_id = workspace AND j.task = 'ingest' AND j.status <> 'succeeded' AND NOT j.arguments ? 'discarded_at'
    ) AS u
    WHERE u.items > 0 AND (
        (SELECT convstore.is_trusted())
        OR workspace IN (SELECT convstore.my_workspaces('viewer'))
    )
$$;

CREATE TABLE storage_history (
    workspace_id UUID NOT NULL,
    day DATE NOT NULL,
    kind TEXT NOT NULL,
    items BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    CONSTRAINT pk_storage_history PRIMARY KEY (workspace_id, day, kind),
    CONSTRAINT fk_storage_history_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

COMMENT ON TABLE storage_history IS 'Use of space day by day';

COMMENT ON COLUMN storage_history.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN storage_history.kind IS 'A status, or trash, archive, quarantine, uploads';

REVOKE ALL ON storage_history FROM PUBLIC, anon, authenticated, service_role;
ALTER TABLE storage_history ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON storage_history TO service_role;
GRANT SELECT ON storage_history TO authenticated;
CREATE POLICY "Service role may do everything" ON storage_history TO service_role USING (true) WITH CHECK (true);
CREATE POLICY "Members see" ON storage_history FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));

REVOKE ALL ON FUNCTION
    convstore.expiry(uuid, text, timestamptz, timestamptz), convstore.keep_expiry(), convstore.policy_changed(),
    convstore.give_policies(), convstore.keep_released(), convstore.archive_conversations(uuid, uuid[]),
    convstore.insert_rows(regclass, jsonb), convstore.leads(uuid), convstore.unarchive_conversations(uuid, uuid[]), convstore.storage_use(uuid)
    FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION convstore.storage_use(uuid) TO authenticated, service_role;
GRANT EXECUTE ON FUNCTION
    convstore.archive_conversations(uuid, uuid[]), convstore.unarchive_conversations(uuid, uuid[])
    TO service_role;
