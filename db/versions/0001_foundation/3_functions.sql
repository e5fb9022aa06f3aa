-- Membership. SECURITY DEFINER, because a policy on workspace_members that reads workspace_members never ends.
CREATE FUNCTION convstore.role_rank(role text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT array_position(ARRAY['viewer', 'reviewer', 'lead', 'admin'], role) $$;

CREATE FUNCTION convstore.my_workspaces(min_role text) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 4 SET search_path = '' AS
$$
    SELECT m.workspace_id
    FROM public.workspace_members AS m
    WHERE m.user_id = (SELECT auth.uid())
      AND convstore.role_rank(m.role) >= convstore.role_rank(min_role)
$$;
COMMENT ON FUNCTION convstore.my_workspaces(text) IS 'Workspaces in which the caller has at least this role, now';

-- Colleagues may see each other's names and nobody else's.
CREATE FUNCTION convstore.my_colleagues() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20 SET search_path = '' AS
$$
    SELECT DISTINCT theirs.user_id
    FROM public.workspace_members AS mine
    JOIN public.workspace_members AS theirs USING (workspace_id)
    WHERE mine.user_id = (SELECT auth.uid())
$$;

-- Workspaces whose reviews the caller sees at once: not blind, or the caller leads.
CREATE FUNCTION convstore.my_open_workspaces() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 4 SET search_path = '' AS
$$
    SELECT m.workspace_id
    FROM public.workspace_members AS m
    JOIN public.workspaces AS w ON w.id = m.workspace_id
    WHERE m.user_id = (SELECT auth.uid())
      AND (NOT w.blind OR convstore.role_rank(m.role) >= convstore.role_rank('lead'))
$$;

CREATE FUNCTION convstore.have_reviewed(conversation uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$$
    SELECT EXISTS (
        SELECT FROM public.reviews AS r WHERE r.conversation_id = conversation AND r.reviewer_id = (SELECT auth.uid())
    )
$$;

-- Text search behind a policy is a sequential scan (@@ is not leak-proof): these two check membership themselves.
CREATE FUNCTION convstore.search_turns(workspace uuid, query text, most integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1000 SET search_path = '' AS
$$
    SELECT t.conversation_id
    FROM public.conversation_turns AS t
    WHERE t.workspace_id = workspace
      AND t.content_tsv OPERATOR(pg_catalog.@@) pg_catalog.websearch_to_tsquery('pg_catalog.english', query)
      AND (
          (SELECT pg_catalog.current_setting('role', true)) IS DISTINCT FROM 'authenticated'
          OR workspace IN (SELECT convstore.my_workspaces('viewer'))
      )
    GROUP BY t.conversation_id
    LIMIT most
$$;

CREATE FUNCTION convstore.turns_match(workspace uuid, conversation uuid, query text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$$
    SELECT EXISTS (
        SELECT FROM public.conversation_turns AS t
        WHERE t.workspace_id = workspace AND t.conversation_id = conversation
          AND t.content_tsv OPERATOR(pg_catalog.@@) pg_catalog.websearch_to_tsquery('pg_catalog.english', query)
    )
    AND (
        pg_catalog.current_setting('role', true) IS DISTINCT FROM 'authenticated'
        OR workspace IN (SELECT convstore.my_workspaces('viewer'))
    )
$$;

-- Small facts of the transaction, set locally by the application.
CREATE FUNCTION convstore.setting(name text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('convstore.' || name, true), '') $$;

CREATE FUNCTION convstore.move_allowed(before text, after text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT (before, after) IN (
        ('pending_review', 'approved'), ('pending_review', 'rejected'), ('pending_review', 'needs_revision'),
        ('needs_revision', 'pending_review'),
        ('approved', 'pending_review'), ('approved', 'archived'),
        ('rejected', 'pending_review'), ('rejected', 'archived'),
        ('archived', 'pending_review')
    )
$$;

-- Writes an event that no trigger can know of: a file stored or deleted, a release verified.
CREATE FUNCTION convstore.log_event(workspace uuid, conversation uuid, what text, about text, facts jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    IF current_setting('role', true) = 'authenticated'
       AND NOT EXISTS (SELECT FROM convstore.my_workspaces('reviewer') AS m WHERE m = workspace) THEN
        RAISE EXCEPTION 'not a reviewer of this workspace' USING ERRCODE = '42501';
    END IF;
    INSERT INTO public.events (workspace_id, conversation_id, action, subject, actor_id, after, batch_id, note)
    VALUES (workspace, conversation, what, about, auth.uid(), coalesce(facts, '{}'),
            convstore.setting('batch')::uuid, convstore.setting('note'));
END
$$;
