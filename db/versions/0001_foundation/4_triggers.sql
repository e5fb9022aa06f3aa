-- Lifecycle, row by row: the last guard. The application filters the allowed moves itself, because a raise here
-- takes the whole statement with it.
CREATE FUNCTION convstore.conversation_lifecycle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    recorded record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- What comes back from the archive keeps its status.
        IF NEW.status <> 'pending_review' AND convstore.moving() IS NULL THEN
            RAISE EXCEPTION 'a conversation starts as pending_review, not %', NEW.status USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
    END IF;

    IF NEW.is_active <> OLD.is_active THEN
        NEW.deleted_at := CASE WHEN NEW.is_active THEN NULL ELSE now() END;
        NEW.deleted_by := CASE WHEN NEW.is_active THEN NULL ELSE auth.uid() END;
        NEW.updated_at := now();
    END IF;

    IF NEW.turns_sha256 <> OLD.turns_sha256 THEN
        -- A decision binds to the content that was read.
        NEW.status := 'pending_review';
        NEW.reviewed_by := NULL;
        NEW.reviewed_at := NULL;
        NEW.updated_at := now();
        RETURN NEW;
    END IF;

    IF NEW.status <> OLD.status THEN
        IF convstore.setting('undo_batch') IS NOT NULL THEN
            SELECT e.batch_id, e.action, e.actor_id, e.before, e.after INTO recorded
            FROM public.events AS e
            WHERE e.workspace_id = NEW.workspace_id AND e.conversation_id = NEW.id
              AND (e.after ? 'status' OR e.action = 'replaced')
            ORDER BY e.id DESC LIMIT 1;
            IF recorded.batch_id IS DISTINCT FROM convstore.setting('undo_batch')::uuid
               OR recorded.action NOT IN ('status', 'undone')
               OR recorded.before ->> 'status' IS DISTINCT FROM NEW.status
               OR recorded.after ->> 'status' IS DISTINCT FROM OLD.status THEN
                RAISE EXCEPTION 'undo of % to % is not the inverse of the last decision', OLD.status, NEW.status
                    USING ERRCODE = '23514', CONSTRAINT = 'conversations_undo';
            END IF;
            IF recorded.actor_id IS DISTINCT FROM auth.uid() AND NOT convstore.is_trusted()
               AND NEW.workspace_id NOT IN (SELECT convstore.my_workspaces('lead')) THEN
                RAISE EXCEPTION 'only a lead undoes what somebody else decided' USING ERRCODE = '42501';
            END IF;
            -- An event holds what it changed: what is not in it was the same before.
            IF recorded.before ? 'reviewed_by' THEN
                NEW.reviewed_by := (recorded.before ->> 'reviewed_by')::uuid;
            ELSE
                NEW.reviewed_by := OLD.reviewed_by;
            END IF;
            IF recorded.before ? 'reviewed_at' THEN
                NEW.reviewed_at := (recorded.before ->> 'reviewed_at')::timestamptz;
            ELSE
                NEW.reviewed_at := OLD.reviewed_at;
            END IF;
            IF recorded.before ? 'review_notes' THEN
                NEW.review_notes := recorded.before ->> 'review_notes';
            ELSE
                NEW.review_notes := OLD.review_notes;
            END IF;
        ELSIF NOT convstore.move_allowed(OLD.status, NEW.status) THEN
            RAISE EXCEPTION 'a conversation cannot move from % to %', OLD.status, NEW.status
                USING ERRCODE = '23514', CONSTRAINT = 'conversations_lifecycle';
        ELSIF NEW.status IN ('approved', 'rejected', 'needs_revision') THEN
            NEW.reviewed_by := auth.uid();
            NEW.reviewed_at := now();
        ELSIF NEW.status = 'pending_review' THEN
            NEW.reviewed_by := NULL;
            NEW.reviewed_at := NULL;
        END IF;
        NEW.updated_at := now();
    ELSIF (NEW.conversation_name, NEW.description, NEW.review_notes, NEW.tier, NEW.category)
          IS DISTINCT FROM (OLD.conversation_name, OLD.description, OLD.review_notes, OLD.tier, OLD.category) THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER conversations_lifecycle BEFORE INSERT OR UPDATE ON conversations
    FOR EACH ROW EXECUTE FUNCTION convstore.conversation_lifecycle();

-- Events and the rights that hang on the kind of change, once a statement.
CREATE FUNCTION convstore.conversations_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    INSERT INTO public.events (workspace_id, conversation_id, action, actor_id, after, batch_id, note)
    SELECT n.workspace_id, n.id, coalesce(convstore.moving(), 'created'), auth.uid(),
           jsonb_build_object('conversation_id', n.conversation_id, 'turns_sha256', n.turns_sha256),
           convstore.setting('batch')::uuid, convstore.setting('note')
    FROM new_rows AS n;
    RETURN NULL;
END
$$;
CREATE TRIGGER conversations_inserted AFTER INSERT ON conversations REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.conversations_inserted();

-- Nested loops are off: a plan that is kept from single decisions would compare every row of a bulk one with every other.
CREATE FUNCTION convstore.conversations_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET enable_nestloop = off SET jit = off AS
$$
DECLARE
    actor uuid := auth.uid();
    batch uuid := convstore.setting('batch')::uuid;
    said text := convstore.setting('note');
    decided text := CASE WHEN convstore.setting('undo_batch') IS NULL THEN 'status' ELSE 'undone' END;
    changed bigint;
    led bigint;
    written bigint;
    refused text;
BEGIN
    SELECT count(*), count(*) FILTER (WHERE n.workspace_id IN (SELECT convstore.my_workspaces('lead')))
    INTO changed, led FROM new_rows AS n;
    IF led < changed AND NOT convstore.is_trusted() THEN
        SELECT n.conversation_id INTO refused
        FROM new_rows AS n
        JOIN old_rows AS o ON o.id = n.id
        WHERE (o.status <> n.status OR o.is_active <> n.is_active OR o.review_notes IS DISTINCT FROM n.review_notes)
          AND n.workspace_id NOT IN (SELECT convstore.my_workspaces('lead'))
          AND (
              (o.status <> n.status AND (
                  'archived' IN (o.status, n.status)
                  OR (o.status IN ('approved', 'rejected') AND o.reviewed_by IS DISTINCT FROM actor)
              ))
              OR (o.is_active <> n.is_active AND n.created_by <> actor)
              OR (o.status = n.status AND o.review_notes IS DISTINCT FROM n.review_notes AND o.reviewed_by <> actor)
          )
        LIMIT 1;
        IF refused IS NOT NULL THEN
            RAISE EXCEPTION 'only a lead may do this to %', refused USING ERRCODE = '42501';
        END IF;
    END IF;

    -- Decisions first, and quickly: a bulk decision writes very many of these.
    INSERT INTO public.events (workspace_id, conversation_id, action, actor_id, before, after, batch_id, note)
    SELECT n.workspace_id, n.id, decided, actor,
           jsonb_build_object('status', o.status, 'reviewed_by', o.reviewed_by, 'reviewed_at', o.reviewed_at,
                              'review_notes', o.review_notes),
           jsonb_build_object('status', n.status, 'reviewed_by', n.reviewed_by, 'reviewed_at', n.reviewed_at,
                              'review_notes', n.review_notes),
           batch, said
    FROM new_rows AS n
    JOIN old_rows AS o ON o.id = n.id
    WHERE n.status <> o.status
      AND (n.turns_sha256, n.is_active, n.conversation_name, n.content_sha256, n.file_path)
          = (o.turns_sha256, o.is_active, o.conversation_name, o.content_sha256, o.file_path)
      AND n.description IS NOT DISTINCT FROM o.description;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written = changed THEN
        RETURN NULL;
    END IF;

    INSERT INTO public.events (workspace_id, conversation_id, action, actor_id, before, after, batch_id, note)
    SELECT n.workspace_id, n.id,
           CASE
               WHEN o.is_active AND NOT n.is_active THEN 'trashed'
               WHEN n.is_active AND NOT o.is_active THEN 'restored'
               WHEN n.turns_sha256 <> o.turns_sha256 THEN 'replaced'
               WHEN n.status <> o.status THEN decided
               ELSE 'edited'
           END,
           actor, d.before, d.after, batch,
           CASE
               WHEN n.turns_sha256 <> o.turns_sha256 AND n.status <> o.status
                   THEN concat_ws('; ', said, 'back to review: the turns changed')
               ELSE said
           END
    FROM new_rows AS n
    JOIN old_rows AS o ON o.id = n.id
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(c.key, c.was), '{}') AS before, coalesce(jsonb_object_agg(c.key, c.now), '{}') AS after
        FROM (VALUES
            ('status', to_jsonb(o.status), to_jsonb(n.status)),
            ('reviewed_by', to_jsonb(o.reviewed_by), to_jsonb(n.reviewed_by)),
            ('reviewed_at', to_jsonb(o.reviewed_at), to_jsonb(n.reviewed_at)),
            ('review_notes', to_jsonb(o.review_notes), to_jsonb(n.review_notes)),
            ('conversation_name', to_jsonb(o.conversation_name), to_jsonb(n.conversation_name)),
            ('description', to_jsonb(o.description), to_jsonb(n.description)),
            ('turns_sha256', to_jsonb(o.turns_sha256), to_jsonb(n.turns_sha256)),
            ('content_sha256', to_jsonb(o.content_sha256), to_jsonb(n.content_sha256)),
            ('file_path', to_jsonb(o.file_path), to_jsonb(n.file_path)),
            ('is_active', to_jsonb(o.is_active), to_jsonb(n.is_active))
        ) AS c (key, was, now)
        WHERE c.was IS DISTINCT FROM c.now
    ) AS d
    WHERE (d.after <> '{}' OR d.before <> '{}')
      AND (
          n.status = o.status
          OR (n.turns_sha256, n.is_active, n.conversation_name, n.content_sha256, n.file_path)
             <> (o.turns_sha256, o.is_active, o.conversation_name, o.content_sha256, o.file_path)
          OR n.description IS DISTINCT FROM o.description
      );
    RETURN NULL;
END
$$;
CREATE TRIGGER conversations_updated AFTER UPDATE ON conversations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.conversations_updated();

CREATE FUNCTION convstore.conversations_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    INSERT INTO public.events (workspace_id, conversation_id, action, actor_id, before, batch_id, note)
    SELECT o.workspace_id, o.id, coalesce(convstore.moving(), 'deleted'), auth.uid(),
           jsonb_build_object('conversation_id', o.conversation_id, 'status', o.status, 'turns_sha256', o.turns_sha256,
                              'file_path', o.file_path),
           convstore.setting('batch')::uuid, convstore.setting('note')
    FROM old_rows AS o;
    RETURN NULL;
END
$$;
CREATE TRIGGER conversations_deleted AFTER DELETE ON conversations REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.conversations_deleted();

-- A conversation gets its turns when it is made; a message more would be other content under the same hash.
CREATE FUNCTION convstore.turns_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    IF NOT convstore.is_trusted() AND EXISTS (
        SELECT FROM new_rows AS n
        JOIN public.conversations AS c ON c.id = n.conversation_id
        WHERE n.turn_number > c.turn_count OR c.created_by <> auth.uid()
    ) THEN
        RAISE EXCEPTION 'turns belong to the import that made their conversation' USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER turns_inserted AFTER INSERT ON conversation_turns REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.turns_inserted();

-- Reviews: stamps, events, and the means that the conversation shows.
CREATE FUNCTION convstore.review_stamped() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS
$$
BEGIN
    IF convstore.moving() IS NULL THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER reviews_stamped BEFORE INSERT OR UPDATE ON reviews
    FOR EACH ROW EXECUTE FUNCTION convstore.review_stamped();

CREATE FUNCTION convstore.keep_human_scores(touched uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    -- Lock first: the next statement then sees every review that was committed before. Not FOR UPDATE: the foreign key
    -- of a second review holds the row's key already, and the two would wait for each other.
    PERFORM FROM public.conversations AS c WHERE c.id = ANY (touched) ORDER BY c.id FOR NO KEY UPDATE;
    UPDATE public.conversations AS c
    SET review_count = m.reviews,
        human_quality_score = m.quality, human_empathy_score = m.empathy, human_clarity_score = m.clarity,
        human_appropriateness_score = m.appropriateness, human_brand_voice_alignment = m.brand_voice
    FROM (
        SELECT t.id,
               count(r.id) AS reviews,
               -- Means of a blind workspace stay with the reviews, whose policy hides them.
               avg(r.quality_score) FILTER (WHERE NOT w.blind) AS quality,
               avg(r.empathy_score) FILTER (WHERE NOT w.blind) AS empathy,
               avg(r.clarity_score) FILTER (WHERE NOT w.blind) AS clarity,
               avg(r.appropriateness_score) FILTER (WHERE NOT w.blind) AS appropriateness,
               avg(r.brand_voice_alignment) FILTER (WHERE NOT w.blind) AS brand_voice
        FROM public.conversations AS t
        JOIN public.workspaces AS w ON w.id = t.workspace_id
        LEFT JOIN public.reviews AS r ON r.conversation_id = t.id AND r.turns_sha256 = t.turns_sha256
        WHERE t.id = ANY (touched)
        GROUP BY t.id
    ) AS m
    WHERE c.id = m.id;
END
$$;

-- What a review says, without whose it is and when: the audit knows that anyway.
CREATE FUNCTION convstore.said(review jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT jsonb_strip_nulls(
        review - ARRAY['id', 'workspace_id', 'conversation_id', 'reviewer_id', 'created_at', 'updated_at']
    )
$$;

CREATE FUNCTION convstore.reviews_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    IF convstore.moving() IS NOT NULL THEN
        -- To the archive and back is no review; the means move with the row.
        RETURN NULL;
    END IF;
    -- The policy of events hides from others in a blind workspace what the reviews themselves hide.
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.events (workspace_id, conversation_id, action, actor_id, after, batch_id, note)
        SELECT n.workspace_id, n.conversation_id, 'reviewed', auth.uid(), convstore.said(to_jsonb(n)),
               convstore.setting('batch')::uuid, convstore.setting('note')
        FROM new_rows AS n;
        PERFORM convstore.keep_human_scores(ARRAY(SELECT DISTINCT n.conversation_id FROM new_rows AS n));
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO public.events (workspace_id, conversation_id, action, actor_id, before, after, batch_id, note)
        SELECT n.workspace_id, n.conversation_id, 'reviewed', auth.uid(), convstore.said(to_jsonb(o)),
               convstore.said(to_jsonb(n)), convstore.setting('batch')::uuid, convstore.setting('note')
        FROM new_rows AS n JOIN old_rows AS o ON o.id = n.id;
        PERFORM convstore.keep_human_scores(ARRAY(SELECT DISTINCT n.conversation_id FROM new_rows AS n));
    ELSE
        INSERT INTO public.events (workspace_id, conversation_id, action, actor_id, before, batch_id, note)
        SELECT o.workspace_id, o.conversation_id, 'review withdrawn', auth.uid(), convstore.said(to_jsonb(o)),
               convstore.setting('batch')::uuid, convstore.setting('note')
        FROM old_rows AS o;
        PERFORM convstore.keep_human_scores(ARRAY(SELECT DISTINCT o.conversation_id FROM old_rows AS o));
    END IF;
    RETURN NULL;
END
$$;
-- Means appear and disappear when a workspace opens or becomes blind.
CREATE FUNCTION convstore.blindness_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    PERFORM convstore.keep_human_scores(
        ARRAY(SELECT DISTINCT r.conversation_id FROM public.reviews AS r WHERE r.workspace_id = NEW.id)
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER workspaces_blindness AFTER UPDATE OF blind ON workspaces
    FOR EACH ROW WHEN (OLD.blind <> NEW.blind) EXECUTE FUNCTION convstore.blindness_changed();

CREATE TRIGGER reviews_inserted AFTER INSERT ON reviews REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.reviews_changed();
CREATE TRIGGER reviews_updated AFTER UPDATE ON reviews REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.reviews_changed();
CREATE TRIGGER reviews_deleted AFTER DELETE ON reviews REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.reviews_changed();

-- Findings: a dismissal is stamped with who and when.
CREATE FUNCTION convstore.finding_stamped() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS
$$
BEGIN
    IF NEW.dismissed_reason IS DISTINCT FROM OLD.dismissed_reason THEN
        NEW.dismissed_by := CASE WHEN NEW.dismissed_reason IS NULL THEN NULL ELSE auth.uid() END;
        NEW.dismissed_at := CASE WHEN NEW.dismissed_reason IS NULL THEN NULL ELSE now() END;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER findings_stamped BEFORE UPDATE ON findings
    FOR EACH ROW EXECUTE FUNCTION convstore.finding_stamped();

-- One audit for the small tables: who changed which row how.
CREATE FUNCTION convstore.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    was jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
    becomes jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
    either jsonb := was || becomes;
BEGIN
    IF was = becomes THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.events (workspace_id, conversation_id, action, subject, actor_id, before, after, batch_id, note)
    VALUES (
        coalesce(either ->> 'workspace_id', either ->> 'id')::uuid,
        (either ->> 'conversation_id')::uuid,
        TG_TABLE_NAME || ' ' || lower(TG_OP),
        coalesce(either ->> 'name', either ->> 'email', either ->> 'user_id', either ->> 'code', either ->> 'id'),
        auth.uid(),
        coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(was) WHERE becomes -> key IS DISTINCT FROM value), '{}'),
        coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(becomes) WHERE was -> key IS DISTINCT FROM value), '{}'),
        convstore.setting('batch')::uuid,
        convstore.setting('note')
    );
    RETURN NULL;
END
$$;
DO $$
DECLARE
    audited text;
BEGIN
    FOREACH audited IN ARRAY ARRAY[
        'workspaces', 'workspace_members', 'workspace_invitations', 'personas', 'emotional_arcs', 'training_topics',
        'prompt_templates', 'queues', 'turn_exclusions', 'releases', 'retention_policies', 'coverage_targets', 'quarantine',
        'ingest_runs'
    ] LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON public.%I FOR EACH ROW EXECUTE FUNCTION convstore.audit()',
                       audited || '_audited', audited);
    END LOOP;
END
$$;
CREATE TRIGGER findings_audited AFTER UPDATE OF dismissed_reason ON findings
    FOR EACH ROW EXECUTE FUNCTION convstore.audit();
-- Taking work is nobody's concern, giving it to somebody else is.
CREATE TRIGGER leases_audited AFTER INSERT OR UPDATE OF holder_id ON leases
    FOR EACH ROW WHEN (NEW.holder_id IS DISTINCT FROM auth.uid()) EXECUTE FUNCTION convstore.audit();

-- The last admin stays. Two simultaneous removals meet at the workspace's row; an update rather than a lock, so that
-- also the second of two snapshots fails instead of looking away.
CREATE FUNCTION convstore.keep_an_admin() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    IF OLD.role = 'admin' AND (TG_OP = 'DELETE' OR NEW.role <> 'admin') THEN
        UPDATE public.workspaces AS w SET name = w.name WHERE w.id = OLD.workspace_id;
        IF FOUND AND NOT EXISTS (
            SELECT FROM public.workspace_members AS m
            WHERE m.workspace_id = OLD.workspace_id AND m.role = 'admin' AND m.user_id <> OLD.user_id
        ) THEN
            RAISE EXCEPTION 'the last admin of a workspace stays' USING ERRCODE = '23514', CONSTRAINT = 'workspace_members_last_admin';
        END IF;
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER workspace_members_last_admin BEFORE UPDATE OR DELETE ON workspace_members
    FOR EACH ROW EXECUTE FUNCTION convstore.keep_an_admin();

-- What is sealed stays as it is.
CREATE FUNCTION convstore.keep_sealed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    state text;
BEGIN
    IF TG_TABLE_NAME = 'releases' THEN
        IF OLD.status = 'sealed' THEN
            RAISE EXCEPTION 'release % is sealed', OLD.id USING ERRCODE = '23514', CONSTRAINT = 'releases_sealed';
        END IF;
    ELSE
        SELECT r.status INTO state FROM public.releases AS r WHERE r.id = OLD.release_id FOR SHARE;
        IF state = 'sealed' THEN
            RAISE EXCEPTION 'the release is sealed' USING ERRCODE = '23514', CONSTRAINT = 'releases_sealed';
        END IF;
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER releases_sealed BEFORE UPDATE OR DELETE ON releases
    FOR EACH ROW EXECUTE FUNCTION convstore.keep_sealed();
CREATE TRIGGER release_items_sealed BEFORE UPDATE OR DELETE ON release_items
    FOR EACH ROW EXECUTE FUNCTION convstore.keep_sealed();

-- Items come in by the thousand: asked once a statement.
CREATE FUNCTION convstore.refuse_sealed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    states text[];
BEGIN
    -- Locked, so that nobody seals it while items are on their way in.
    SELECT array_agg(l.status) INTO states
    FROM (
        SELECT r.status FROM public.releases AS r
        WHERE r.id IN (SELECT n.release_id FROM new_rows AS n) FOR SHARE
    ) AS l;
    IF 'sealed' = ANY (states) THEN
        RAISE EXCEPTION 'the release is sealed' USING ERRCODE = '23514', CONSTRAINT = 'releases_sealed';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER release_items_added AFTER INSERT ON release_items REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.refuse_sealed();

-- The audit is append-only for everybody, the owner included.
CREATE FUNCTION convstore.append_only() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS
$$
BEGIN
    RAISE EXCEPTION 'events are append-only' USING ERRCODE = '42501';
END
$$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION convstore.append_only();
CREATE TRIGGER events_not_truncated BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.append_only();

-- Other processes forget what they kept. One notification a transaction, and nothing in it: anybody may listen.
CREATE FUNCTION convstore.notify_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS
$$
BEGIN
    PERFORM pg_catalog.pg_notify('convstore_changed', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER events_notify AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION convstore.notify_changed();
CREATE TRIGGER findings_notify AFTER INSERT OR UPDATE OR DELETE ON findings
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.notify_changed();
