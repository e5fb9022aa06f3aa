-- The words of each conversation, for the text search. A row a conversation and not a row a turn: a tenth of the hits to
-- list and to look up, and what is left out with a minus is left out of the whole conversation. A trigger keeps it.
CREATE TABLE conversation_texts (
    workspace_id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    part INTEGER NOT NULL,
    words TSVECTOR NOT NULL,
    CONSTRAINT pk_conversation_texts PRIMARY KEY (conversation_id, part),
    CONSTRAINT fk_conversation_texts_workspace_id_conversation_id FOREIGN KEY(workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_conversation_texts_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

CREATE INDEX idx_texts_words ON conversation_texts USING gin (words);

COMMENT ON TABLE conversation_texts IS 'Words of the turns, for the text search';

COMMENT ON COLUMN conversation_texts.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN conversation_texts.part IS 'Begins anew every 50,000 characters: a tsvector has an end, and knows 16,383 places';

-- One huge message must not fail its batch: a tsvector holds 1 MB at most.
CREATE FUNCTION convstore.write_texts(conversations uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$$
    INSERT INTO public.conversation_texts (workspace_id, conversation_id, part, words)
    SELECT p.workspace_id, p.conversation_id, p.part,
           pg_catalog.to_tsvector('pg_catalog.english', string_agg(p.content, E'\n' ORDER BY p.turn_number))
    FROM (
        SELECT t.workspace_id, t.conversation_id, t.turn_number, left(t.content, 150000) AS content,
               (sum(least(length(t.content), 150000)) OVER (PARTITION BY t.conversation_id ORDER BY t.turn_number)
                   / 50000)::integer AS part
        FROM public.conversation_turns AS t
        WHERE t.conversation_id = ANY (conversations)
    ) AS p
    GROUP BY p.workspace_id, p.conversation_id, p.part
    ON CONFLICT (conversation_id, part) DO UPDATE SET words = excluded.words
$$;

CREATE FUNCTION convstore.texts_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM public.conversation_texts AS x WHERE x.conversation_id IN (SELECT o.conversation_id FROM old_rows AS o);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM convstore.write_texts(ARRAY(SELECT DISTINCT n.conversation_id FROM new_rows AS n));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER turns_texts_inserted AFTER INSERT ON conversation_turns REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.texts_changed();
CREATE TRIGGER turns_texts_updated AFTER UPDATE ON conversation_turns
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.texts_changed();
CREATE TRIGGER turns_texts_deleted AFTER DELETE ON conversation_turns REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION convstore.texts_changed();

-- Text search behind a policy is a sequential scan (@@ is not leak-proof): these two check membership themselves. The
-- words stand in the statement, so that the planner knows how frequent they are.
CREATE FUNCTION convstore.search_texts(workspace uuid, query text) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000 SET search_path = '' AS
$$
BEGIN
    IF convstore.is_trusted() OR workspace IN (SELECT convstore.my_workspaces('viewer')) THEN
        RETURN QUERY EXECUTE pg_catalog.format(
            'SELECT t.conversation_id FROM public.conversation_texts AS t
             WHERE t.workspace_id = %L AND t.words OPERATOR(pg_catalog.@@) %L::pg_catalog.tsquery',
            workspace, pg_catalog.websearch_to_tsquery('pg_catalog.english', query)
        );
    END IF;
END
$$;
COMMENT ON FUNCTION convstore.search_texts(uuid, text) IS 'Conversations with the words; a very long one may come twice';

-- How many conversations the planner expects to have the words: reads its statistics and not a single hit. Volatile,
-- because nothing else may EXPLAIN.
CREATE FUNCTION convstore.expect_texts(workspace uuid, query text) RETURNS double precision
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    plan json;
BEGIN
    IF NOT (convstore.is_trusted() OR workspace IN (SELECT convstore.my_workspaces('viewer'))) THEN
        RETURN 0;
    END IF;
    EXECUTE pg_catalog.format(
        'EXPLAIN (FORMAT JSON) SELECT FROM public.conversation_texts AS t
         WHERE t.workspace_id = %L AND t.words OPERATOR(pg_catalog.@@) %L::pg_catalog.tsquery',
        workspace, pg_catalog.websearch_to_tsquery('pg_catalog.english', query)
    ) INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END
$$;

REVOKE ALL ON public.conversation_texts FROM PUBLIC, anon, authenticated, service_role;
ALTER TABLE public.conversation_texts ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.conversation_texts TO service_role;
GRANT SELECT ON public.conversation_texts TO authenticated;
CREATE POLICY "Service role may do everything" ON public.conversation_texts TO service_role USING (true) WITH CHECK (true);
CREATE POLICY "Members see" ON public.conversation_texts FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));
REVOKE ALL ON FUNCTION convstore.write_texts(uuid[]), convstore.texts_changed() FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION convstore.write_texts(uuid[]) TO service_role;
GRANT EXECUTE ON FUNCTION convstore.search_texts(uuid, text), convstore.expect_texts(uuid, text) TO authenticated, service_role;
