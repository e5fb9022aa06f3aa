-- Background jobs as people see them; the queue behind them holds nothing but their ids.
CREATE TABLE jobs (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    workspace_id UUID NOT NULL,
    task TEXT NOT NULL,
    arguments JSONB DEFAULT '{}'::jsonb NOT NULL,
    status TEXT DEFAULT 'queued' NOT NULL CONSTRAINT ck_jobs_status CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    attempt INTEGER DEFAULT 0 NOT NULL,
    done BIGINT DEFAULT 0 NOT NULL,
    total BIGINT,
    step TEXT,
    state JSONB DEFAULT '{}'::jsonb NOT NULL,
    result JSONB,
    error JSONB,
    cancel_requested BOOLEAN DEFAULT false NOT NULL,
    queue_id BIGINT,
    parent_id UUID,
    part INTEGER,
    created_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_jobs PRIMARY KEY (id),
    CONSTRAINT fk_jobs_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_jobs_parent_id FOREIGN KEY(parent_id) REFERENCES jobs (id) ON DELETE CASCADE,
    CONSTRAINT fk_jobs_created_by FOREIGN KEY(created_by) REFERENCES profiles (id)
);

CREATE INDEX idx_jobs_created ON jobs (workspace_id, created_at, id) WHERE parent_id IS NULL;

CREATE INDEX idx_jobs_parts ON jobs (parent_id, task, part) WHERE parent_id IS NOT NULL;

CREATE INDEX idx_jobs_open ON jobs (workspace_id, task) WHERE status IN ('queued', 'running', 'failed');

COMMENT ON TABLE jobs IS 'Work in the background: who asked for it, how far it is, how it ended';

COMMENT ON COLUMN jobs.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN jobs.attempt IS 'Counts starts: an earlier start that still writes is told so by this number';

COMMENT ON COLUMN jobs.state IS 'How far it came, so that another worker can go on from there';

COMMENT ON COLUMN jobs.queue_id IS 'Its number in the queue';

COMMENT ON COLUMN jobs.parent_id IS 'The job that this is a part of: it runs on when its last part has ended';

COMMENT ON COLUMN jobs.part IS 'Place among the parts of one task, from 1';

REVOKE ALL ON jobs FROM PUBLIC, anon, authenticated, service_role;
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO service_role;
GRANT SELECT ON jobs TO authenticated;
CREATE POLICY "Service role may do everything" ON jobs TO service_role USING (true) WITH CHECK (true);
CREATE POLICY "Members see jobs" ON jobs FOR SELECT TO authenticated
    USING (workspace_id IN (SELECT convstore.my_workspaces('viewer')));

-- People reach the queue by these functions only. Which role a task needs is checked when it runs, as the person
-- who asked, with the rights that person has by then.
CREATE FUNCTION convstore.put_in_queue(job uuid, lock text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = procrastinate, pg_temp AS
$$
    SELECT (procrastinate_defer_jobs_v1(ARRAY[
        ROW('convstore', 'run', 0, lock, NULL, jsonb_build_object('job_id', job), NULL)::procrastinate_job_to_defer_v1
    ]))[1]
$$;

CREATE FUNCTION convstore.enqueue(workspace uuid, task text, arguments jsonb, job uuid, once boolean) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    waiting uuid;
BEGIN
    IF NOT convstore.is_trusted()
       AND NOT EXISTS (SELECT FROM convstore.my_workspaces('reviewer') AS m WHERE m = workspace) THEN
        RAISE EXCEPTION 'not a reviewer of this workspace' USING ERRCODE = '42501';
    END IF;
    IF once THEN
        -- The lock makes two who ask at the same time see each other.
        PERFORM FROM public.workspaces AS w WHERE w.id = workspace FOR NO KEY UPDATE;
        SELECT j.id INTO waiting FROM public.jobs AS j
        WHERE j.workspace_id = workspace AND j.task = enqueue.task AND j.status IN ('queued', 'running')
        ORDER BY j.created_at LIMIT 1;
        IF waiting IS NOT NULL THEN
            RETURN waiting;
        END IF;
    END IF;
    INSERT INTO public.jobs (id, workspace_id, task, arguments, created_by, queue_id)
    VALUES (job, workspace, enqueue.task, enqueue.arguments, auth.uid(),
            convstore.put_in_queue(job, CASE WHEN once THEN enqueue.task || ':' || workspace END));
    RETURN job;
END
$$;
COMMENT ON FUNCTION convstore.enqueue(uuid, text, jsonb, uuid, boolean) IS
    'Defers a job in the caller''s transaction; with once, the one that waits or runs already stands for it';

-- Parts are jobs in the name of who asked for the whole, done by any worker. The whole stays `running` meanwhile, in
-- nobody's hands; the last part that ends puts it back into the queue.
CREATE FUNCTION convstore.share_job(job uuid, attempt integer, task text, parts jsonb, total bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    shared public.jobs%ROWTYPE;
BEGIN
    UPDATE public.jobs AS j
    SET total = coalesce(share_job.total, j.total), step = NULL, updated_at = now()
    WHERE j.id = job AND j.attempt = share_job.attempt AND j.status = 'running'
    RETURNING j.* INTO shared;
    IF shared.id IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO public.jobs (id, workspace_id, task, arguments, parent_id, part, created_by, queue_id)
    SELECT p.id, shared.workspace_id, share_job.task, p.arguments, job, p.number, shared.created_by,
           convstore.put_in_queue(p.id, NULL)
    FROM (
        SELECT gen_random_uuid() AS id, e.value AS arguments, e.ordinality AS number
        FROM jsonb_array_elements(parts) WITH ORDINALITY AS e
    ) AS p;
    RETURN true;
END
$$;

CREATE FUNCTION convstore.wake_whole() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
BEGIN
    -- The lock makes two parts that end at the same time see each other.
    PERFORM FROM public.jobs AS j WHERE j.id = NEW.parent_id FOR NO KEY UPDATE;
    IF NOT EXISTS (SELECT FROM public.jobs AS p WHERE p.parent_id = NEW.parent_id AND p.status IN ('queued', 'running')) THEN
        UPDATE public.jobs AS j
        SET updated_at = now(),
            queue_id = convstore.put_in_queue(
                j.id, (SELECT q.lock FROM procrastinate.procrastinate_jobs AS q WHERE q.id = j.queue_id)
            )
        WHERE j.id = NEW.parent_id AND j.status = 'running';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER wake_whole AFTER UPDATE OF status ON jobs FOR EACH ROW
    WHEN (NEW.parent_id IS NOT NULL AND NEW.status IN ('succeeded', 'failed', 'cancelled'))
    EXECUTE FUNCTION convstore.wake_whole();

CREATE FUNCTION convstore.own_job(job uuid) RETURNS public.jobs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    found_job public.jobs%ROWTYPE;
BEGIN
    SELECT j.* INTO found_job FROM public.jobs AS j WHERE j.id = job FOR UPDATE;
    IF NOT convstore.is_trusted() AND NOT EXISTS (
        SELECT FROM convstore.my_workspaces(CASE WHEN found_job.created_by = auth.uid() THEN 'reviewer' ELSE 'lead' END) AS m
        WHERE m = found_job.workspace_id
    ) THEN
        RAISE EXCEPTION 'only a lead, or who asked for it, may do this to a job' USING ERRCODE = '42501';
    END IF;
    RETURN found_job;
END
$$;

CREATE FUNCTION convstore.cancel_job(job uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = procrastinate, pg_temp AS
$$
DECLARE
    found_job public.jobs := convstore.own_job(job);
BEGIN
    IF found_job.status = 'queued' THEN
        UPDATE public.jobs AS j SET status = 'cancelled', finished_at = now(), updated_at = now() WHERE j.id = job;
        PERFORM procrastinate_cancel_job_v1(found_job.queue_id, false, false);
        UPDATE public.ingest_items AS i
        SET processing_status = 'failed', report = jsonb_build_object('reason', 'cancelled')
        WHERE i.workspace_id = found_job.workspace_id AND i.run_id = job AND i.outcome IS NULL;
    ELSIF found_job.status = 'running' THEN
        UPDATE public.jobs AS j SET cancel_requested = true WHERE j.id = job;
    ELSE
        RETURN false;
    END IF;
    RETURN true;
END
$$;

CREATE FUNCTION convstore.retry_job(job uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
$$
DECLARE
    found_job public.jobs := convstore.own_job(job);
BEGIN
    -- An import whose files are gone has nothing to go on with.
    IF found_job.id IS NULL OR found_job.status NOT IN ('failed', 'cancelled') OR found_job.arguments ? 'discarded_at' THEN
        RETURN false;
    END IF;
    UPDATE public.jobs AS j
    SET status = 'queued', cancel_requested = false, error = NULL, finished_at = NULL, updated_at = now(),
        queue_id = convstore.put_in_queue(
            job, (SELECT q.lock FROM procrastinate.procrastinate_jobs AS q WHERE q.id = found_job.queue_id)
        )
    WHERE j.id = job;
    UPDATE public.jobs AS p
    SET status = 'queued', error = NULL, finished_at = NULL, updated_at = now(),
        queue_id = convstore.put_in_queue(p.id, NULL)
    WHERE p.parent_id = job AND p.status IN ('failed', 'cancelled');
    UPDATE public.ingest_items AS i SET processing_status = 'queued', report = '{}'
    WHERE i.workspace_id = found_job.workspace_id AND i.run_id = job AND i.outcome IS NULL;
    RETURN true;
END
$$;

-- Jobs whose worker is gone go back into the queue. A worker that only seemed dead is stopped by `attempt`.
CREATE FUNCTION convstore.take_over_jobs(silent_s double precision) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = procrastinate, pg_temp AS
$$
DECLARE
    taken bigint[];
BEGIN
    WITH back AS (
        UPDATE procrastinate_jobs AS q
        SET status = 'todo', attempts = q.attempts + 1, scheduled_at = NULL, worker_id = NULL, abort_requested = false
        WHERE q.status = 'doing' AND NOT EXISTS (
            SELECT FROM procrastinate_workers AS w
            WHERE w.id = q.worker_id AND w.last_heartbeat > now() - make_interval(secs => silent_s)
        )
        RETURNING q.id
    )
    SELECT coalesce(array_agg(back.id), '{}') INTO taken FROM back;
    UPDATE public.jobs AS j SET status = 'queued', updated_at = now() WHERE j.queue_id = ANY (taken) AND j.status = 'running';
    RETURN cardinality(taken);
END
$$;

-- What has been over for long goes, from the queue as well. An import whose files still wait is retention's to end, and
-- a row of the queue stays as long as a job may be tried again by it.
CREATE FUNCTION convstore.prune_jobs(keep_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = procrastinate, pg_temp AS
$$
DECLARE
    over_since timestamptz := now() - make_interval(days => keep_days);
    pruned integer;
BEGIN
    DELETE FROM public.jobs AS j
    WHERE j.finished_at < over_since AND j.parent_id IS NULL
      AND (j.task <> 'ingest' OR j.status = 'succeeded' OR j.arguments ? 'discarded_at');
    GET DIAGNOSTICS pruned = ROW_COUNT;
    DELETE FROM procrastinate_jobs AS q
    WHERE q.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
      AND NOT EXISTS (SELECT FROM public.jobs AS j WHERE j.queue_id = q.id)
      AND NOT EXISTS (SELECT FROM procrastinate_events AS e WHERE e.job_id = q.id AND e.at >= over_since);
    RETURN pruned;
END
$$;

CREATE FUNCTION convstore.workers_alive(silent_s double precision) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$$
    SELECT count(*)::integer FROM procrastinate.procrastinate_workers AS w
    WHERE w.last_heartbeat > now() - make_interval(secs => silent_s)
$$;

REVOKE ALL ON FUNCTION
    convstore.put_in_queue(uuid, text), convstore.enqueue(uuid, text, jsonb, uuid, boolean),
    convstore.share_job(uuid, integer, text, jsonb, bigint), convstore.wake_whole(), convstore.own_job(uuid),
    convstore.cancel_job(uuid), convstore.retry_job(uuid), convstore.take_over_jobs(double precision),
    convstore.prune_jobs(integer), convstore.workers_alive(double precision)
    FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION
    convstore.enqueue(uuid, text, jsonb, uuid, boolean), convstore.cancel_job(uuid), convstore.retry_job(uuid),
    convstore.workers_alive(double precision)
    TO authenticated, service_role;
GRANT EXECUTE ON FUNCTION
    convstore.share_job(uuid, integer, text, jsonb, bigint), convstore.take_over_jobs(double precision),
    convstore.prune_jobs(integer)
    TO service_role;
