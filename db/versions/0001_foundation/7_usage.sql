-- How often conversations went out. An export of very many conversations appends one row here instead of rewriting all
-- of theirs; readers add what is not folded yet, and a job folds it into the columns of `conversations`.
CREATE TABLE usage_changes (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    workspace_id UUID NOT NULL,
    release_id UUID NOT NULL,
    releases INTEGER NOT NULL,
    exported_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    folded_to INTEGER DEFAULT -1 NOT NULL,
    CONSTRAINT pk_usage_changes PRIMARY KEY (id),
    CONSTRAINT fk_usage_changes_workspace_id_release_id FOREIGN KEY(workspace_id, release_id) REFERENCES releases (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX idx_usage_changes_workspace_id ON usage_changes (workspace_id, id);

COMMENT ON TABLE usage_changes IS 'Exports that the counts of conversations do not hold yet';

COMMENT ON COLUMN usage_changes.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN usage_changes.releases IS '1 for the first export of a release, 0 for another one';

COMMENT ON COLUMN usage_changes.folded_to IS 'Position of the last item that was folded';

-- Folds the next items of the oldest change; how many. 0: nothing is left, or somebody else is at it.
CREATE FUNCTION convstore.fold_usage(workspace uuid, most integer) RETURNS integer LANGUAGE plpgsql SET search_path = '' AS
$$
DECLARE
    change public.usage_changes%ROWTYPE;
    folded uuid[];
    up_to integer;
BEGIN
    SELECT u.* INTO change FROM public.usage_changes AS u
    WHERE u.workspace_id = workspace ORDER BY u.id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    up_to := change.folded_to + most;
    folded := ARRAY(
        SELECT i.conversation_id FROM public.release_items AS i
        WHERE i.workspace_id = workspace AND i.release_id = change.release_id
          AND i.position > change.folded_to AND i.position <= up_to
    );
    -- In one order everywhere: two that wait for each other's rows would never end.
    PERFORM FROM public.conversations AS c
    WHERE c.workspace_id = workspace AND c.id = ANY (folded) ORDER BY c.id FOR NO KEY UPDATE;
    UPDATE public.conversations AS c
    SET usage_count = c.usage_count + change.releases,
        export_count = c.export_count + 1,
        last_exported_at = greatest(c.last_exported_at, change.exported_at)
    WHERE c.workspace_id = workspace AND c.id = ANY (folded);
    IF EXISTS (SELECT FROM public.release_items AS i WHERE i.release_id = change.release_id AND i.position > up_to) THEN
        UPDATE public.usage_changes AS u SET folded_to = up_to WHERE u.id = change.id;
    ELSE
        DELETE FROM public.usage_changes AS u WHERE u.id = change.id;
    END IF;
    RETURN greatest(cardinality(folded), 1);
END
$$;
COMMENT ON FUNCTION convstore.fold_usage(uuid, integer) IS 'Folds usage_changes into conversations, a part at a time';

REVOKE ALL ON usage_changes FROM PUBLIC, anon, authenticated, service_role;
ALTER TABLE usage_changes ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_changes TO service_role;
GRANT SELECT ON usage_changes TO authenticated;
CREATE POLICY "Service role may do everything" ON usage_changes TO service_role USING (true) WITH CHECK (true);
CREATE POLICY "Members see" ON usage_changes FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));
REVOKE ALL ON FUNCTION convstore.fold_usage(uuid, integer) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION convstore.fold_usage(uuid, integer) TO service_role;
