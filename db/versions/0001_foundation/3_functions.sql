-- Who is bound by rights: everybody but the service role and the owner of the schema. A login that merely inherits
-- `authenticated` is bound too, so the question is never "is the role authenticated?".
CREATE FUNCTION convstore.is_trusted() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$$
    SELECT who = 'service_role' OR pg_catalog.pg_has_role(who::name, current_user, 'MEMBER')
    FROM (SELECT coalesce(nullif(current_setting('role', true), 'none'), session_user::text) AS who) AS caller
$$;

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

-- Whether the caller's own decision about these very turns is in.
CREATE FUNCTION convstore.have_reviewed(conversation uuid, turns text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$$
    SELECT EXISTS (
        SELECT FROM public.reviews AS r
        WHERE r.conversation_id = conversation AND r.reviewer_id = (SELECT auth.uid())
          AND r.turns_sha256 = turns AND r.decision IS NOT NULL
    )
$$;

-- Small facts of the transaction, set locally by the application.
CREATE FUNCTION convstore.setting(name text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('convstore.' || name, true), '') $$;

-- What the audit calls a row's way into the archive or out of it; nobody else may name it otherwise.
CREATE FUNCTION convstore.moving() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT CASE WHEN convstore.is_trusted() THEN convstore.setting('moving') END $$;

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

-- An admin who types an e-mail finds the person behind it, whether or not they are colleagues yet.
CREATE FUNCTION convstore.find_person(address text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$$
    SELECT p.id
    FROM public.profiles AS p
    WHERE p.email = lower(address) AND EXISTS (SELECT FROM convstore.my_workspaces('admin'))
    ORDER BY p.last_seen_at DESC NULLS LAST, p.created_at
    LIMIT 1
$$;

-- Admins make workspaces and become admins there; nobody else can begin one.
CREATE FUNCTION convstore.create_workspace(new_slug text, new_name text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    made uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM convstore.my_workspaces('admin')) THEN
        RAISE EXCEPTION 'only an admin makes a workspace' USING ERRCODE = '42501';
    END IF;
    INSERT INTO public.workspaces (slug, name, created_by) VALUES (new_slug, new_name, auth.uid()) RETURNING id INTO made;
    INSERT INTO public.workspace_members (workspace_id, user_id, role) VALUES (made, auth.uid(), 'admin');
    RETURN made;
END
$$;

-- Writes an event that no trigger can know of: a file stored or deleted, a release verified. What triggers write
-- themselves cannot be forged through it.
CREATE FUNCTION convstore.log_event(workspace uuid, conversation uuid, what text, about text, facts jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    IF NOT convstore.is_trusted() THEN
        IF workspace IS NULL OR workspace NOT IN (SELECT convstore.my_workspaces('reviewer')) THEN
            RAISE EXCEPTION 'not a reviewer of this workspace' USING ERRCODE = '42501';
        END IF;
        IF facts ? 'status' OR what ~ ' (insert|update|delete)$' OR what IN (
            'created', 'status', 'undone', 'edited', 'replaced', 'trashed', 'restored', 'deleted', 'reviewed', 'review withdrawn'
        ) THEN
            RAISE EXCEPTION 'events of the kind % are written by the change itself', what USING ERRCODE = '42501';
        END IF;
    END IF;
    INSERT INTO public.events (workspace_id, conversation_id, action, subject, actor_id, after, batch_id, note)
    VALUES (workspace, conversation, what, about, auth.uid(), coalesce(facts, '{}'),
            convstore.setting('batch')::uuid, convstore.setting('note'));
END
$$;

-- The application asks before it serves anybody: a version that half fits is worse than none.
CREATE FUNCTION convstore.schema_version() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$$ SELECT version_num FROM public.alembic_version $$;
REVOKE ALL ON FUNCTION convstore.schema_version() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION convstore.schema_version() TO service_role;
