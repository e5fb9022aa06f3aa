-- Revoke first: Supabase grants everything on new public tables to anon and authenticated.
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN
        SELECT c.oid::regclass AS name, c.relname
        FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
          AND c.relname IN (
              'profiles', 'sign_in_attempts', 'sign_in_sessions', 'workspaces', 'workspace_members', 'workspace_invitations', 'personas', 'emotional_arcs',
              'training_topics', 'prompt_templates', 'conversations', 'conversation_turns', 'findings', 'reviews',
              'review_drafts', 'leases', 'queues', 'turn_exclusions', 'events', 'releases', 'release_items', 'ingest_runs',
              'ingest_items', 'quarantine', 'conversations_archive', 'retention_policies', 'coverage_targets',
              'similarity_signatures', 'similarity_bands', 'duplicate_members'
          )
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, anon, authenticated, service_role', t.name);
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t.name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO service_role', t.name);
        EXECUTE format('CREATE POLICY "Service role may do everything" ON %s TO service_role USING (true) WITH CHECK (true)', t.name);
    END LOOP;
END
$$;
REVOKE UPDATE, DELETE ON events FROM service_role;
-- Alembic's own table is in reach of Supabase's default rights too.
DO $$
BEGIN
    IF to_regclass('public.alembic_version') IS NOT NULL THEN
        REVOKE ALL ON public.alembic_version FROM PUBLIC, anon, authenticated, service_role;
        ALTER TABLE public.alembic_version ENABLE ROW LEVEL SECURITY;
    END IF;
END
$$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA convstore FROM PUBLIC, anon;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA convstore TO service_role;
GRANT EXECUTE ON FUNCTION
    convstore.is_trusted(), convstore.role_rank(text), convstore.my_workspaces(text), convstore.my_colleagues(),
    convstore.my_open_workspaces(), convstore.find_person(text), convstore.create_workspace(text, text),
    convstore.have_reviewed(uuid, text),
    convstore.setting(text), convstore.moving(), convstore.move_allowed(text, text), convstore.log_event(uuid, uuid, text, text, jsonb)
    TO authenticated;

-- People
GRANT SELECT, UPDATE (name) ON profiles TO authenticated;
CREATE POLICY "Colleagues see each other" ON profiles FOR SELECT TO authenticated
    USING (id = (SELECT auth.uid()) OR issuer = 'convstore' OR id IN (SELECT convstore.my_colleagues()));
CREATE POLICY "Users can rename themselves" ON profiles FOR UPDATE TO authenticated
    USING (id = (SELECT auth.uid())) WITH CHECK (id = (SELECT auth.uid()));

GRANT SELECT, UPDATE (name, blind, guidelines, reject_reasons, language, quota_bytes) ON workspaces TO authenticated;
CREATE POLICY "Members see their workspaces" ON workspaces FOR SELECT TO authenticated
    USING (id IN (SELECT convstore.my_workspaces('viewer')));
CREATE POLICY "Admins settle their workspaces" ON workspaces FOR UPDATE TO authenticated
    USING (id IN (SELECT convstore.my_workspaces('admin'))) WITH CHECK (id IN (SELECT convstore.my_workspaces('admin')));

GRANT SELECT, INSERT (workspace_id, user_id, role), UPDATE (role), DELETE ON workspace_members TO authenticated;
CREATE POLICY "Members see members" ON workspace_members FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));
CREATE POLICY "Admins add members" ON workspace_members FOR INSERT TO authenticated
    WITH CHECK (workspace_id IN (SELECT convstore.my_workspaces('admin')));
CREATE POLICY "Admins change members" ON workspace_members FOR UPDATE TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('admin')))
    WITH CHECK (workspace_id IN (SELECT convstore.my_workspaces('admin')));
CREATE POLICY "Admins remove members" ON workspace_members FOR DELETE TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('admin')));

GRANT SELECT, INSERT (workspace_id, email, role, invited_by), DELETE ON workspace_invitations TO authenticated;
CREATE POLICY "Admins see invitations" ON workspace_invitations FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('admin')));
CREATE POLICY "Admins invite" ON workspace_invitations FOR INSERT TO authenticated
    WITH CHECK (workspace_id IN (SELECT convstore.my_workspaces('admin')) AND invited_by = (SELECT auth.uid()));
CREATE POLICY "Admins withdraw invitations" ON workspace_invitations FOR DELETE TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('admin')));

-- Conversations. The names are the specification's; "own" means of one's own workspaces, by current membership.
GRANT SELECT, DELETE,
    INSERT (id, workspace_id, conversation_id, persona_id, emotional_arc_id, training_topic_id, template_id, persona_key,
            emotional_arc_key, topic_key, conversation_name, description, turn_count, tier, category, quality_score,
            empathy_score, clarity_score, appropriateness_score, brand_voice_alignment, processing_status, file_size,
            file_path, storage_bucket, starting_emotion, ending_emotion, emotional_intensity_start,
            emotional_intensity_end, created_by, turns_sha256, content_sha256, content_bytes, format, source_name,
            system_prompt, extra),
    UPDATE (conversation_name, description, status, review_notes, is_active)
    ON conversations TO authenticated;
CREATE POLICY "Users can view own conversations" ON conversations FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));
CREATE POLICY "Users can create own conversations" ON conversations FOR INSERT TO authenticated
    WITH CHECK (
        created_by = (SELECT auth.uid())
        AND workspace_id IN (SELECT convstore.my_workspaces('reviewer'))
        -- Its own object and no other: whoever may read the row is given the file behind this path.
        AND file_path = concat(created_by, '/', id, '/', left(content_sha256, 12), '/conversation.json.gz')
    );
CREATE POLICY "Users can update own conversations" ON conversations FOR UPDATE TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('reviewer')))
    WITH CHECK (workspace_id IN (SELECT convstore.my_workspaces('reviewer')));
CREATE POLICY "Users can delete own conversations" ON conversations FOR DELETE TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('admin')));

GRANT SELECT,
    INSERT (workspace_id, conversation_id, turn_number, role, content, detected_emotion, emotion_confidence,
            emotional_intensity, primary_strategy, tone, word_count, sentence_count)
    ON conversation_turns TO authenticated;
CREATE POLICY "Users can view own conversation turns" ON conversation_turns FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));
CREATE POLICY "Users can create own conversation turns" ON conversation_turns FOR INSERT TO authenticated
    WITH CHECK (workspace_id IN (SELECT convstore.my_workspaces('reviewer')));

GRANT SELECT,
    INSERT (workspace_id, conversation_id, code, severity, check_version, turn_number, span_start, span_end, explanation),
    UPDATE (dismissed_reason)
    ON findings TO authenticated;
CREATE POLICY "Members see findings" ON findings FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));
CREATE POLICY "Reviewers add findings" ON findings FOR INSERT TO authenticated
    WITH CHECK (workspace_id IN (SELECT convstore.my_workspaces('reviewer')));
CREATE POLICY "Reviewers dismiss findings" ON findings FOR UPDATE TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('reviewer')))
    WITH CHECK (workspace_id IN (SELECT convstore.my_workspaces('reviewer')));

-- Reviewing
GRANT SELECT, DELETE,
    INSERT (workspace_id, conversation_id, reviewer_id, quality_score, empathy_score, clarity_score,
            appropriateness_score, brand_voice_alignment, decision, reasons, note, turn_notes, seconds, turns_sha256),
    UPDATE (quality_score, empathy_score, clarity_score, appropriateness_score, brand_voice_alignment, decision, reasons,
            note, turn_notes, seconds, turns_sha256)
    ON reviews TO authenticated;
CREATE POLICY "Members see reviews, blind ones after their own" ON reviews FOR SELECT TO authenticated
    USING (
        workspace_id IN (SELECT convstore.my_workspaces('viewer'))
        AND (
            reviewer_id = (SELECT auth.uid())
            OR workspace_id IN (SELECT convstore.my_open_workspaces())
            OR convstore.have_reviewed(conversation_id, turns_sha256)
        )
    );
CREATE POLICY "Reviewers write their own reviews" ON reviews FOR INSERT TO authenticated
    WITH CHECK (reviewer_id = (SELECT auth.uid()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')));
CREATE POLICY "Reviewers change their own reviews" ON reviews FOR UPDATE TO authenticated
    USING (reviewer_id = (SELECT auth.uid()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')))
    WITH CHECK (reviewer_id = (SELECT auth.uid()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')));
CREATE POLICY "Reviewers withdraw their own reviews" ON reviews FOR DELETE TO authenticated
    USING (reviewer_id = (SELECT auth.uid()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')));

GRANT SELECT, DELETE, INSERT (workspace_id, conversation_id, reviewer_id, draft, updated_at), UPDATE (draft, updated_at)
    ON review_drafts TO authenticated;
CREATE POLICY "Reviewers keep their own drafts" ON review_drafts TO authenticated
    USING (reviewer_id = (SELECT auth.uid()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')))
    WITH CHECK (reviewer_id = (SELECT auth.uid()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')));

GRANT SELECT, DELETE, INSERT (workspace_id, conversation_id, holder_id, acquired_at, expires_at),
    UPDATE (holder_id, acquired_at, expires_at)
    ON leases TO authenticated;
CREATE POLICY "Members see leases" ON leases FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));
CREATE POLICY "Reviewers take leases" ON leases FOR INSERT TO authenticated
    WITH CHECK (holder_id = (SELECT auth.uid()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')));
CREATE POLICY "Reviewers keep their own leases and take expired ones" ON leases FOR UPDATE TO authenticated
    USING ((holder_id = (SELECT auth.uid()) OR expires_at < now()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')))
    WITH CHECK (holder_id = (SELECT auth.uid()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')));
CREATE POLICY "Leads assign leases" ON leases FOR ALL TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('lead')))
    WITH CHECK (workspace_id IN (SELECT convstore.my_workspaces('lead')));
CREATE POLICY "Reviewers give their leases back" ON leases FOR DELETE TO authenticated
    USING ((holder_id = (SELECT auth.uid()) OR expires_at < now()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')));

GRANT SELECT, DELETE, INSERT (workspace_id, conversation_id, turn_number, turns_sha256, excluded_by) ON turn_exclusions TO authenticated;
CREATE POLICY "Members see exclusions" ON turn_exclusions FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));
CREATE POLICY "Reviewers exclude messages" ON turn_exclusions FOR INSERT TO authenticated
    WITH CHECK (excluded_by = (SELECT auth.uid()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')));
CREATE POLICY "Reviewers include messages again" ON turn_exclusions FOR DELETE TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('reviewer')));

-- Importing
GRANT SELECT, INSERT (id, workspace_id, created_by, on_conflict), UPDATE (finished_at, totals) ON ingest_runs TO authenticated;
GRANT SELECT, INSERT (run_id, position, workspace_id, file, outcome, processing_status, report),
    UPDATE (outcome, processing_status, report) ON ingest_items TO authenticated;
GRANT SELECT, DELETE, INSERT (id, workspace_id, file, sha256, bytes, object_paths, code, reason, path, line, "column", byte, created_by)
    ON quarantine TO authenticated;
CREATE POLICY "Members see imports" ON ingest_runs FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));
CREATE POLICY "Reviewers import" ON ingest_runs FOR INSERT TO authenticated
    WITH CHECK (created_by = (SELECT auth.uid()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')));
CREATE POLICY "Reviewers finish their imports" ON ingest_runs FOR UPDATE TO authenticated
    USING (created_by = (SELECT auth.uid()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')))
    WITH CHECK (created_by = (SELECT auth.uid()) AND workspace_id IN (SELECT convstore.my_workspaces('reviewer')));
CREATE POLICY "Members see import items" ON ingest_items FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));
CREATE POLICY "Reviewers add items to their imports" ON ingest_items FOR INSERT TO authenticated
    WITH CHECK (
        workspace_id IN (SELECT convstore.my_workspaces('reviewer'))
        AND run_id IN (SELECT r.id FROM ingest_runs AS r WHERE r.created_by = (SELECT auth.uid()) AND r.id = run_id)
    );
CREATE POLICY "Reviewers change items of their imports" ON ingest_items FOR UPDATE TO authenticated
    USING (
        workspace_id IN (SELECT convstore.my_workspaces('reviewer'))
        AND run_id IN (SELECT r.id FROM ingest_runs AS r WHERE r.created_by = (SELECT auth.uid()) AND r.id = run_id)
    )
    WITH CHECK (workspace_id IN (SELECT convstore.my_workspaces('reviewer')));
CREATE POLICY "Reviewers see the quarantine" ON quarantine FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('reviewer')));
CREATE POLICY "Reviewers put into quarantine" ON quarantine FOR INSERT TO authenticated
    WITH CHECK (
        created_by = (SELECT auth.uid())
        AND workspace_id IN (SELECT convstore.my_workspaces('reviewer'))
        -- Only what lies in one's own quarantine: paths are followed when the bytes are read again.
        AND NOT EXISTS (
            SELECT FROM unnest(object_paths) AS path
            WHERE path !~ ('^' || created_by || '/[0-9a-f-]{36}/quarantine-' || left(sha256, 24) || '/[0-9]+\.gz$')
        )
    );
CREATE POLICY "Leads clear the quarantine" ON quarantine FOR DELETE TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('lead')));

-- Releasing
GRANT SELECT, DELETE, INSERT (id, workspace_id, name, format, filter, rules, options, seed, exporter_version, status, created_by),
    UPDATE (status, conversation_count, files, left_out, summary, sealed_at) ON releases TO authenticated;
GRANT SELECT, INSERT ON release_items TO authenticated;
CREATE POLICY "Members see releases" ON releases FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));
CREATE POLICY "Leads release" ON releases FOR INSERT TO authenticated
    WITH CHECK (
        created_by = (SELECT auth.uid()) AND status = 'building' AND workspace_id IN (SELECT convstore.my_workspaces('lead'))
    );
CREATE POLICY "Leads seal releases" ON releases FOR UPDATE TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('lead')))
    WITH CHECK (workspace_id IN (SELECT convstore.my_workspaces('lead')));
CREATE POLICY "Leads drop unsealed releases" ON releases FOR DELETE TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('lead')));
CREATE POLICY "Members see release items" ON release_items FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));
CREATE POLICY "Leads add release items" ON release_items FOR INSERT TO authenticated
    WITH CHECK (
        workspace_id IN (SELECT convstore.my_workspaces('lead'))
        -- A conversation of this workspace and a version of its own file.
        AND split_part(file_path, '/', 2) = conversation_id::text
        AND EXISTS (
            SELECT FROM conversations AS c
            WHERE c.workspace_id = release_items.workspace_id AND c.id = release_items.conversation_id
        )
    );

-- The audit
GRANT SELECT ON events TO authenticated;
CREATE POLICY "Members see the audit" ON events FOR SELECT TO authenticated
    USING (
        workspace_id IN (SELECT convstore.my_workspaces('viewer'))
        -- E-mail addresses of people who are no members yet are for admins, here as in the table itself.
        AND (action <> ALL (ARRAY['workspace_invitations insert', 'workspace_invitations delete'])
             OR workspace_id IN (SELECT convstore.my_workspaces('admin')))
        -- What others said in a review, here as in the reviews themselves.
        AND (action <> ALL (ARRAY['reviewed', 'review withdrawn'])
             OR actor_id = (SELECT auth.uid())
             OR workspace_id IN (SELECT convstore.my_open_workspaces())
             OR convstore.have_reviewed(conversation_id, coalesce(after ->> 'turns_sha256', before ->> 'turns_sha256')))
    );

-- Read by members, written by leads, admins or by convstore itself
DO $$
DECLARE
    t record;
    addable text;
    changeable text;
BEGIN
    FOR t IN
        SELECT * FROM (VALUES
            ('personas', 'lead'), ('emotional_arcs', 'lead'), ('training_topics', 'lead'), ('prompt_templates', 'lead'),
            ('queues', 'lead'), ('coverage_targets', 'lead'), ('retention_policies', 'admin'),
            ('conversations_archive', NULL), ('similarity_signatures', NULL), ('similarity_bands', NULL),
            ('duplicate_members', NULL)
        ) AS rights (name, writer)
    LOOP
        IF t.name = 'conversations_archive' THEN
            -- What others said in reviews is hidden in a blind workspace; where it lies in one column, from everybody.
            GRANT SELECT (id, workspace_id, conversation_id, conversation_name, row, turns, findings, exclusions,
                          archived_at, archived_by)
                ON public.conversations_archive TO authenticated;
        ELSE
            EXECUTE format('GRANT SELECT ON public.%I TO authenticated', t.name);
        END IF;
        EXECUTE format('CREATE POLICY "Members see" ON public.%I FOR SELECT TO authenticated
            USING (workspace_id IN (SELECT convstore.my_workspaces(''viewer'')))', t.name);
        CONTINUE WHEN t.writer IS NULL;
        SELECT string_agg(quote_ident(c.attname), ', ') FILTER (WHERE c.attname <> 'created_at'),
               string_agg(quote_ident(c.attname), ', ')
                   FILTER (WHERE c.attname NOT IN ('id', 'workspace_id', 'created_by', 'created_at'))
        INTO addable, changeable
        FROM pg_attribute AS c
        WHERE c.attrelid = format('public.%I', t.name)::regclass AND c.attnum > 0 AND NOT c.attisdropped;
        EXECUTE format('GRANT INSERT (%s), UPDATE (%s), DELETE ON public.%I TO authenticated', addable, changeable, t.name);
        EXECUTE format('CREATE POLICY "Writers add" ON public.%I FOR INSERT TO authenticated
            WITH CHECK (workspace_id IN (SELECT convstore.my_workspaces(%L)) %s)', t.name, t.writer,
            CASE WHEN addable LIKE '%created_by%' THEN 'AND created_by = (SELECT auth.uid())' ELSE '' END);
        EXECUTE format('CREATE POLICY "Writers change" ON public.%1$I FOR UPDATE TO authenticated
            USING (workspace_id IN (SELECT convstore.my_workspaces(%2$L)))
            WITH CHECK (workspace_id IN (SELECT convstore.my_workspaces(%2$L)))', t.name, t.writer);
        EXECUTE format('CREATE POLICY "Writers remove" ON public.%I FOR DELETE TO authenticated
            USING (workspace_id IN (SELECT convstore.my_workspaces(%L)))', t.name, t.writer);
    END LOOP;
END
$$;

-- convstore itself: acts in periodic jobs
INSERT INTO profiles (id, issuer, subject, name)
VALUES ('00000000-0000-4000-8000-000000000001', 'convstore', 'system', 'convstore');
