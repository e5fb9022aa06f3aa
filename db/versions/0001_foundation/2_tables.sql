CREATE TABLE profiles (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    issuer TEXT NOT NULL, 
    subject TEXT NOT NULL, 
    email TEXT CONSTRAINT ck_profiles_email_lower CHECK (email = lower(email)), 
    name TEXT NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    last_seen_at TIMESTAMP WITH TIME ZONE, 
    CONSTRAINT pk_profiles PRIMARY KEY (id), 
    CONSTRAINT uq_profiles_issuer_subject UNIQUE (issuer, subject)
);

CREATE INDEX idx_profiles_email ON profiles (email);

COMMENT ON TABLE profiles IS 'People and system actors; a person is an issuer and a subject';

COMMENT ON COLUMN profiles.issuer IS 'Who vouches for the person: local, convstore, or an issuer''s URL';

COMMENT ON COLUMN profiles.subject IS 'The person''s id at the issuer';

COMMENT ON COLUMN profiles.email IS 'Lower case; only ever a verified one';

CREATE TABLE events (
    id BIGINT GENERATED ALWAYS AS IDENTITY, 
    workspace_id UUID NOT NULL, 
    conversation_id UUID, 
    action TEXT NOT NULL, 
    subject TEXT, 
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    actor_id UUID, 
    before JSONB DEFAULT '{}'::jsonb NOT NULL, 
    after JSONB DEFAULT '{}'::jsonb NOT NULL, 
    batch_id UUID, 
    note TEXT, 
    CONSTRAINT pk_events PRIMARY KEY (id)
);

CREATE INDEX idx_events_batch ON events (batch_id, id) WHERE batch_id IS NOT NULL;

CREATE INDEX idx_events_decided ON events (workspace_id, at) WHERE action IN ('status', 'undone');

CREATE INDEX idx_events_workspace ON events (workspace_id, id);

CREATE INDEX idx_events_conversation ON events (workspace_id, conversation_id, id);

COMMENT ON TABLE events IS 'Append-only audit, written by triggers in the transaction of the change';

COMMENT ON COLUMN events.workspace_id IS 'No foreign key: the audit outlives what it speaks of';

COMMENT ON COLUMN events.subject IS 'What it happened to, where that is no conversation';

CREATE TABLE sign_in_attempts (
    key TEXT NOT NULL, 
    failures INTEGER NOT NULL, 
    last_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_sign_in_attempts PRIMARY KEY (key)
);

CREATE INDEX idx_sign_in_attempts_last_at ON sign_in_attempts (last_at);

COMMENT ON TABLE sign_in_attempts IS 'Passwords tried in vain, so that guessing gets slow in every process';

COMMENT ON COLUMN sign_in_attempts.key IS 'SHA-256 of an e-mail, an address or both';

CREATE TABLE sign_in_sessions (
    key TEXT NOT NULL, 
    sealed BYTEA NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    CONSTRAINT pk_sign_in_sessions PRIMARY KEY (key)
);

CREATE INDEX idx_sign_in_sessions_expires_at ON sign_in_sessions (expires_at);

COMMENT ON TABLE sign_in_sessions IS 'Browsers that stay signed in: what their cookie opens';

COMMENT ON COLUMN sign_in_sessions.key IS 'SHA-256 of the secret in the browser''s cookie';

COMMENT ON COLUMN sign_in_sessions.sealed IS 'Tokens of the sign-in, encrypted with that secret, which is stored nowhere';

CREATE TABLE workspaces (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    slug TEXT NOT NULL CONSTRAINT ck_workspaces_slug CHECK (slug ~ '^[a-z0-9](-?[a-z0-9]){0,62}$'), 
    name TEXT NOT NULL, 
    created_by UUID, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    blind BOOLEAN DEFAULT false NOT NULL, 
    guidelines TEXT DEFAULT '' NOT NULL, 
    reject_reasons TEXT[] DEFAULT ARRAY['Not helpful','Not accurate','Tone is off','Unsafe advice','Broken text'] NOT NULL, 
    language TEXT DEFAULT 'en' NOT NULL, 
    quota_bytes BIGINT, 
    CONSTRAINT pk_workspaces PRIMARY KEY (id), 
    CONSTRAINT uq_workspaces_slug UNIQUE (slug), 
    CONSTRAINT fk_workspaces_created_by FOREIGN KEY(created_by) REFERENCES profiles (id)
);

COMMENT ON TABLE workspaces IS 'Teams; everything belongs to one';

COMMENT ON COLUMN workspaces.slug IS 'Name in commands and addresses';

COMMENT ON COLUMN workspaces.blind IS 'Others'' scores stay hidden until one''s own is in';

COMMENT ON COLUMN workspaces.guidelines IS 'What reviewers should know';

COMMENT ON COLUMN workspaces.reject_reasons IS 'Reasons offered when a conversation is rejected';

COMMENT ON COLUMN workspaces.language IS 'ISO 639-1 code of the set';

COMMENT ON COLUMN workspaces.quota_bytes IS 'Most bytes of files; null is unlimited';

CREATE TABLE workspace_members (
    workspace_id UUID NOT NULL, 
    user_id UUID NOT NULL, 
    role TEXT NOT NULL CONSTRAINT ck_workspace_members_role CHECK (role IN ('viewer', 'reviewer', 'lead', 'admin')), 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_workspace_members PRIMARY KEY (workspace_id, user_id), 
    CONSTRAINT fk_workspace_members_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_workspace_members_user_id FOREIGN KEY(user_id) REFERENCES profiles (id) ON DELETE CASCADE
);

CREATE INDEX idx_workspace_members_user_id ON workspace_members (user_id);

COMMENT ON TABLE workspace_members IS 'Who may do what where: viewer < reviewer < lead < admin';

CREATE TABLE workspace_invitations (
    workspace_id UUID NOT NULL, 
    email TEXT NOT NULL CONSTRAINT ck_workspace_invitations_email CHECK (email = lower(email) AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'), 
    role TEXT NOT NULL CONSTRAINT ck_workspace_invitations_role CHECK (role IN ('viewer', 'reviewer', 'lead', 'admin')), 
    invited_by UUID, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_workspace_invitations PRIMARY KEY (workspace_id, email), 
    CONSTRAINT fk_workspace_invitations_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_workspace_invitations_invited_by FOREIGN KEY(invited_by) REFERENCES profiles (id)
);

COMMENT ON TABLE workspace_invitations IS 'Waits for the first sign-in with a verified e-mail';

CREATE TABLE personas (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    persona_key VARCHAR(100) NOT NULL, 
    name VARCHAR(255) NOT NULL, 
    description TEXT, 
    archetype VARCHAR(255), 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_personas PRIMARY KEY (id), 
    CONSTRAINT uq_personas_workspace_id_persona_key UNIQUE (workspace_id, persona_key), 
    CONSTRAINT uq_personas_workspace_id_id UNIQUE (workspace_id, id), 
    CONSTRAINT fk_personas_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

COMMENT ON TABLE personas IS 'Who speaks as the user';

COMMENT ON COLUMN personas.workspace_id IS 'Tenant; every query names it by equality';

CREATE TABLE emotional_arcs (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    arc_key VARCHAR(100) NOT NULL, 
    name VARCHAR(255) NOT NULL, 
    description TEXT, 
    starting_emotion VARCHAR(100), 
    ending_emotion VARCHAR(100), 
    intensity_start NUMERIC(3, 2), 
    intensity_end NUMERIC(3, 2), 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_emotional_arcs PRIMARY KEY (id), 
    CONSTRAINT uq_emotional_arcs_workspace_id_arc_key UNIQUE (workspace_id, arc_key), 
    CONSTRAINT uq_emotional_arcs_workspace_id_id UNIQUE (workspace_id, id), 
    CONSTRAINT fk_emotional_arcs_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

COMMENT ON TABLE emotional_arcs IS 'How feeling is promised to move';

COMMENT ON COLUMN emotional_arcs.workspace_id IS 'Tenant; every query names it by equality';

CREATE TABLE training_topics (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    topic_key VARCHAR(100) NOT NULL, 
    name VARCHAR(255) NOT NULL, 
    description TEXT, 
    category VARCHAR(100), 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_training_topics PRIMARY KEY (id), 
    CONSTRAINT uq_training_topics_workspace_id_topic_key UNIQUE (workspace_id, topic_key), 
    CONSTRAINT uq_training_topics_workspace_id_id UNIQUE (workspace_id, id), 
    CONSTRAINT fk_training_topics_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

COMMENT ON TABLE training_topics IS 'What a conversation is about';

COMMENT ON COLUMN training_topics.workspace_id IS 'Tenant; every query names it by equality';

CREATE TABLE prompt_templates (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    template_key VARCHAR(100) NOT NULL, 
    name VARCHAR(255) NOT NULL, 
    description TEXT, 
    text TEXT DEFAULT '' NOT NULL, 
    category VARCHAR(100), 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_prompt_templates PRIMARY KEY (id), 
    CONSTRAINT uq_prompt_templates_workspace_id_template_key UNIQUE (workspace_id, template_key), 
    CONSTRAINT uq_prompt_templates_workspace_id_id UNIQUE (workspace_id, id), 
    CONSTRAINT fk_prompt_templates_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

COMMENT ON TABLE prompt_templates IS 'Prompts that conversations were generated from';

COMMENT ON COLUMN prompt_templates.workspace_id IS 'Tenant; every query names it by equality';

CREATE TABLE queues (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    name TEXT NOT NULL, 
    filter JSONB DEFAULT '{}'::jsonb NOT NULL, 
    sort TEXT DEFAULT 'created' NOT NULL, 
    descending BOOLEAN DEFAULT false NOT NULL, 
    created_by UUID, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_queues PRIMARY KEY (id), 
    CONSTRAINT uq_queues_workspace_id_name UNIQUE (workspace_id, name), 
    CONSTRAINT fk_queues_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_queues_created_by FOREIGN KEY(created_by) REFERENCES profiles (id)
);

COMMENT ON TABLE queues IS 'Saved filters with an order, from which reviewers are handed work';

COMMENT ON COLUMN queues.workspace_id IS 'Tenant; every query names it by equality';

CREATE TABLE releases (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    name TEXT, 
    format TEXT NOT NULL, 
    filter JSONB DEFAULT '{}'::jsonb NOT NULL, 
    rules JSONB DEFAULT '{}'::jsonb NOT NULL, 
    options JSONB DEFAULT '{}'::jsonb NOT NULL, 
    seed BIGINT DEFAULT 0 NOT NULL, 
    exporter_version TEXT NOT NULL, 
    status TEXT DEFAULT 'building' NOT NULL CONSTRAINT ck_releases_status CHECK (status IN ('building', 'sealed', 'failed')), 
    conversation_count INTEGER DEFAULT 0 NOT NULL, 
    files JSONB DEFAULT '[]'::jsonb NOT NULL, 
    left_out JSONB DEFAULT '[]'::jsonb NOT NULL, 
    summary JSONB DEFAULT '{}'::jsonb NOT NULL, 
    created_by UUID NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    sealed_at TIMESTAMP WITH TIME ZONE, 
    CONSTRAINT pk_releases PRIMARY KEY (id), 
    CONSTRAINT uq_releases_workspace_id_name UNIQUE (workspace_id, name), 
    CONSTRAINT uq_releases_workspace_id_id UNIQUE (workspace_id, id), 
    CONSTRAINT fk_releases_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_releases_created_by FOREIGN KEY(created_by) REFERENCES profiles (id)
);

CREATE INDEX idx_releases_created ON releases (workspace_id, created_at);

COMMENT ON TABLE releases IS 'Every export: what went out, from what, by whom; sealed ones cannot change';

COMMENT ON COLUMN releases.workspace_id IS 'Tenant; every query names it by equality';

CREATE TABLE ingest_runs (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    created_by UUID NOT NULL, 
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    finished_at TIMESTAMP WITH TIME ZONE, 
    on_conflict TEXT NOT NULL, 
    totals JSONB DEFAULT '{}'::jsonb NOT NULL, 
    CONSTRAINT pk_ingest_runs PRIMARY KEY (id), 
    CONSTRAINT uq_ingest_runs_workspace_id_id UNIQUE (workspace_id, id), 
    CONSTRAINT fk_ingest_runs_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_ingest_runs_created_by FOREIGN KEY(created_by) REFERENCES profiles (id)
);

CREATE INDEX idx_ingest_runs_started ON ingest_runs (workspace_id, started_at);

COMMENT ON TABLE ingest_runs IS 'Imports';

COMMENT ON COLUMN ingest_runs.workspace_id IS 'Tenant; every query names it by equality';

CREATE TABLE quarantine (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    file TEXT NOT NULL, 
    sha256 TEXT NOT NULL, 
    bytes BIGINT NOT NULL, 
    object_paths TEXT[] NOT NULL, 
    code TEXT NOT NULL, 
    reason TEXT NOT NULL, 
    path TEXT, 
    line INTEGER, 
    "column" INTEGER, 
    byte BIGINT, 
    created_by UUID NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_quarantine PRIMARY KEY (id), 
    CONSTRAINT uq_quarantine_workspace_id_sha256_file UNIQUE (workspace_id, sha256, file), 
    CONSTRAINT fk_quarantine_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_quarantine_created_by FOREIGN KEY(created_by) REFERENCES profiles (id)
);

COMMENT ON TABLE quarantine IS 'Input that could not be read, with its bytes';

COMMENT ON COLUMN quarantine.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN quarantine.object_paths IS 'Where the bytes are, in parts; empty where they are not kept';

CREATE TABLE conversations_archive (
    id UUID NOT NULL, 
    workspace_id UUID NOT NULL, 
    conversation_id VARCHAR(100) NOT NULL, 
    conversation_name VARCHAR(255) NOT NULL, 
    row JSONB NOT NULL, 
    turns JSONB NOT NULL, 
    findings JSONB NOT NULL, 
    reviews JSONB NOT NULL, 
    exclusions JSONB NOT NULL, 
    archived_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    archived_by UUID, 
    CONSTRAINT pk_conversations_archive PRIMARY KEY (id), 
    CONSTRAINT uq_conversations_archive_workspace_id_conversation_id UNIQUE (workspace_id, conversation_id), 
    CONSTRAINT fk_conversations_archive_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_conversations_archive_archived_by FOREIGN KEY(archived_by) REFERENCES profiles (id)
);

COMMENT ON TABLE conversations_archive IS 'Conversations that left the working set; restore brings them back';

COMMENT ON COLUMN conversations_archive.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN conversations_archive.row IS 'The row of conversations';

CREATE TABLE retention_policies (
    workspace_id UUID NOT NULL, 
    subject TEXT NOT NULL CONSTRAINT ck_retention_policies_subject CHECK (subject IN ('pending_review', 'needs_revision', 'approved', 'rejected', 'archived', 'trash')), 
    keep_days INTEGER NOT NULL CONSTRAINT ck_retention_policies_keep_days CHECK (keep_days BETWEEN 0 AND 36500), 
    CONSTRAINT pk_retention_policies PRIMARY KEY (workspace_id, subject), 
    CONSTRAINT fk_retention_policies_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

COMMENT ON TABLE retention_policies IS 'How long what is kept; no row means for ever';

COMMENT ON COLUMN retention_policies.subject IS 'A status, or the trash';

CREATE TABLE coverage_targets (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    persona_key VARCHAR(100), 
    emotional_arc_key VARCHAR(100), 
    topic_key VARCHAR(100), 
    tier VARCHAR(50), 
    wanted INTEGER NOT NULL CONSTRAINT ck_coverage_targets_wanted CHECK (wanted >= 0), 
    created_by UUID, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_coverage_targets PRIMARY KEY (id), 
    CONSTRAINT uq_coverage_targets_cell UNIQUE NULLS NOT DISTINCT (workspace_id, persona_key, emotional_arc_key, topic_key, tier), 
    CONSTRAINT fk_coverage_targets_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_coverage_targets_created_by FOREIGN KEY(created_by) REFERENCES profiles (id)
);

COMMENT ON TABLE coverage_targets IS 'How many approved conversations a lead wants in a cell; null means any';

COMMENT ON COLUMN coverage_targets.workspace_id IS 'Tenant; every query names it by equality';

CREATE TABLE conversations (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    conversation_id VARCHAR(100) NOT NULL, 
    persona_id UUID, 
    emotional_arc_id UUID, 
    training_topic_id UUID, 
    template_id UUID, 
    persona_key VARCHAR(100), 
    emotional_arc_key VARCHAR(100), 
    topic_key VARCHAR(100), 
    conversation_name VARCHAR(255) NOT NULL, 
    description TEXT, 
    turn_count INTEGER NOT NULL, 
    tier VARCHAR(50) DEFAULT 'template' NOT NULL CONSTRAINT ck_conversations_tier CHECK (tier IN ('template', 'scenario', 'edge_case')), 
    category VARCHAR(100), 
    quality_score NUMERIC(2, 1) CONSTRAINT ck_conversations_quality_score CHECK (quality_score BETWEEN 1.0 AND 5.0), 
    empathy_score NUMERIC(2, 1) CONSTRAINT ck_conversations_empathy_score CHECK (empathy_score BETWEEN 1.0 AND 5.0), 
    clarity_score NUMERIC(2, 1) CONSTRAINT ck_conversations_clarity_score CHECK (clarity_score BETWEEN 1.0 AND 5.0), 
    appropriateness_score NUMERIC(2, 1) CONSTRAINT ck_conversations_appropriateness_score CHECK (appropriateness_score BETWEEN 1.0 AND 5.0), 
    brand_voice_alignment NUMERIC(2, 1) CONSTRAINT ck_conversations_brand_voice_alignment CHECK (brand_voice_alignment BETWEEN 1.0 AND 5.0), 
    human_quality_score NUMERIC(3, 2) CONSTRAINT ck_conversations_human_quality_score CHECK (human_quality_score BETWEEN 1.0 AND 5.0), 
    human_empathy_score NUMERIC(3, 2) CONSTRAINT ck_conversations_human_empathy_score CHECK (human_empathy_score BETWEEN 1.0 AND 5.0), 
    human_clarity_score NUMERIC(3, 2) CONSTRAINT ck_conversations_human_clarity_score CHECK (human_clarity_score BETWEEN 1.0 AND 5.0), 
    human_appropriateness_score NUMERIC(3, 2) CONSTRAINT ck_conversations_human_appropriateness_score CHECK (human_appropriateness_score BETWEEN 1.0 AND 5.0), 
    human_brand_voice_alignment NUMERIC(3, 2) CONSTRAINT ck_conversations_human_brand_voice_alignment CHECK (human_brand_voice_alignment BETWEEN 1.0 AND 5.0), 
    review_count INTEGER DEFAULT 0 NOT NULL, 
    effective_quality SMALLINT GENERATED ALWAYS AS (coalesce(round(coalesce(human_quality_score, quality_score) * 10), 0)::smallint) STORED NOT NULL, 
    status VARCHAR(50) DEFAULT 'pending_review' NOT NULL CONSTRAINT ck_conversations_status CHECK (status IN ('pending_review', 'needs_revision', 'approved', 'rejected', 'archived')), 
    processing_status VARCHAR(50) DEFAULT 'completed' NOT NULL CONSTRAINT ck_conversations_processing_status CHECK (processing_status IN ('queued', 'processing', 'completed', 'failed')), 
    file_url TEXT CONSTRAINT ck_conversations_file_url_is_unused CHECK (file_url IS NULL), 
    file_size BIGINT NOT NULL, 
    file_path TEXT NOT NULL CONSTRAINT ck_conversations_file_path_is_no_url CHECK (file_path !~ '^[a-z]+://'), 
    storage_bucket VARCHAR(100) DEFAULT 'conversation-files' NOT NULL, 
    starting_emotion VARCHAR(100), 
    ending_emotion VARCHAR(100), 
    emotional_intensity_start NUMERIC(3, 2), 
    emotional_intensity_end NUMERIC(3, 2), 
    usage_count INTEGER DEFAULT 0 NOT NULL, 
    last_exported_at TIMESTAMP WITH TIME ZONE, 
    export_count INTEGER DEFAULT 0 NOT NULL, 
    created_by UUID NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    reviewed_by UUID, 
    reviewed_at TIMESTAMP WITH TIME ZONE, 
    review_notes TEXT, 
    expires_at TIMESTAMP WITH TIME ZONE, 
    is_active BOOLEAN DEFAULT true NOT NULL, 
    deleted_at TIMESTAMP WITH TIME ZONE, 
    deleted_by UUID, 
    turns_sha256 TEXT NOT NULL, 
    content_sha256 TEXT NOT NULL, 
    content_bytes BIGINT NOT NULL, 
    format TEXT NOT NULL, 
    source_name TEXT, 
    system_prompt TEXT, 
    extra JSONB DEFAULT '{}'::jsonb NOT NULL, 
    sort_name TEXT COLLATE "C" GENERATED ALWAYS AS (lower(conversation_name)) STORED NOT NULL, 
    CONSTRAINT pk_conversations PRIMARY KEY (id), 
    CONSTRAINT uq_conversations_workspace_id_conversation_id UNIQUE (workspace_id, conversation_id), 
    CONSTRAINT uq_conversations_workspace_id_id UNIQUE (workspace_id, id), 
    CONSTRAINT fk_conversations_workspace_id_persona_id FOREIGN KEY(workspace_id, persona_id) REFERENCES personas (workspace_id, id) ON DELETE SET NULL (persona_id), 
    CONSTRAINT fk_conversations_workspace_id_emotional_arc_id FOREIGN KEY(workspace_id, emotional_arc_id) REFERENCES emotional_arcs (workspace_id, id) ON DELETE SET NULL (emotional_arc_id), 
    CONSTRAINT fk_conversations_workspace_id_training_topic_id FOREIGN KEY(workspace_id, training_topic_id) REFERENCES training_topics (workspace_id, id) ON DELETE SET NULL (training_topic_id), 
    CONSTRAINT fk_conversations_workspace_id_template_id FOREIGN KEY(workspace_id, template_id) REFERENCES prompt_templates (workspace_id, id) ON DELETE SET NULL (template_id), 
    CONSTRAINT ck_conversations_trash CHECK (is_active = (deleted_at IS NULL)), 
    CONSTRAINT fk_conversations_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_conversations_created_by FOREIGN KEY(created_by) REFERENCES profiles (id), 
    CONSTRAINT fk_conversations_reviewed_by FOREIGN KEY(reviewed_by) REFERENCES profiles (id), 
    CONSTRAINT fk_conversations_deleted_by FOREIGN KEY(deleted_by) REFERENCES profiles (id)
);

CREATE INDEX idx_conversations_persona ON conversations (workspace_id, persona_key, created_at, id) WHERE is_active;

CREATE INDEX idx_conversations_arc ON conversations (workspace_id, emotional_arc_key, created_at, id) WHERE is_active;

CREATE INDEX idx_conversations_tier ON conversations (workspace_id, tier, created_at, id) WHERE is_active;

CREATE INDEX idx_conversations_updated ON conversations (workspace_id, updated_at, id) WHERE is_active;

CREATE INDEX idx_conversations_name ON conversations (workspace_id, sort_name, id) WHERE is_active;

CREATE INDEX idx_conversations_trash ON conversations (workspace_id, deleted_at) WHERE NOT is_active;

CREATE INDEX idx_conversations_processing ON conversations (workspace_id, processing_status) WHERE processing_status <> 'completed';

CREATE INDEX idx_conversations_topic ON conversations (workspace_id, topic_key, created_at, id) WHERE is_active;

CREATE INDEX idx_conversations_expires ON conversations (expires_at) WHERE is_active AND expires_at IS NOT NULL;

CREATE INDEX idx_conversations_status ON conversations (workspace_id, status, created_at, id) WHERE is_active;

CREATE INDEX idx_conversations_status_updated ON conversations (workspace_id, status, updated_at, id) WHERE is_active;

CREATE INDEX idx_conversations_quality ON conversations (workspace_id, effective_quality, id) WHERE is_active;

CREATE INDEX idx_conversations_turns_sha256 ON conversations (workspace_id, turns_sha256);

CREATE INDEX idx_conversations_created ON conversations (workspace_id, created_at, id) WHERE is_active;

COMMENT ON TABLE conversations IS 'Metadata for LLM training conversations with references to their files';

COMMENT ON COLUMN conversations.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN conversations.conversation_id IS 'The id that people and files use';

COMMENT ON COLUMN conversations.turn_count IS 'Number of conversation_turns rows';

COMMENT ON COLUMN conversations.quality_score IS 'Score of the file, 1.0 to 5.0; null is unscored';

COMMENT ON COLUMN conversations.human_quality_score IS 'Mean of the reviews of the current turns';

COMMENT ON COLUMN conversations.effective_quality IS 'Human quality if there is one, else the file''s, in tenths; 0 is unscored';

COMMENT ON COLUMN conversations.status IS 'Review workflow; moves are checked by a trigger';

COMMENT ON COLUMN conversations.file_url IS 'Kept empty: paths are stored, never URLs';

COMMENT ON COLUMN conversations.file_size IS 'Bytes as stored, compressed';

COMMENT ON COLUMN conversations.usage_count IS 'Releases that hold it';

COMMENT ON COLUMN conversations.expires_at IS 'When retention removes it';

COMMENT ON COLUMN conversations.is_active IS 'False: in the trash';

COMMENT ON COLUMN conversations.turns_sha256 IS 'Identity of content; decisions bind to it';

COMMENT ON COLUMN conversations.content_sha256 IS 'Integrity of the stored document before gzip';

COMMENT ON COLUMN conversations.content_bytes IS 'Bytes of the document before gzip';

COMMENT ON COLUMN conversations.format IS 'Family of the file it came from';

COMMENT ON COLUMN conversations.source_name IS 'Name of the file it came from';

COMMENT ON COLUMN conversations.extra IS 'What the file says and no column holds';

COMMENT ON COLUMN conversations.sort_name IS 'Order of names, whatever the database''s collation';

CREATE TABLE release_items (
    release_id UUID NOT NULL, 
    position INTEGER NOT NULL, 
    workspace_id UUID NOT NULL, 
    conversation_id UUID NOT NULL, 
    public_id VARCHAR(100) NOT NULL, 
    turns_sha256 TEXT NOT NULL, 
    content_sha256 TEXT NOT NULL, 
    file_path TEXT NOT NULL, 
    split TEXT, 
    state JSONB DEFAULT '{}'::jsonb NOT NULL, 
    CONSTRAINT pk_release_items PRIMARY KEY (release_id, position), 
    CONSTRAINT fk_release_items_workspace_id_release_id FOREIGN KEY(workspace_id, release_id) REFERENCES releases (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX idx_release_items_conversation ON release_items (workspace_id, conversation_id);

COMMENT ON TABLE release_items IS 'The conversations of a release in their order, with the versions that went out';

COMMENT ON COLUMN release_items.workspace_id IS 'Tenant, the release''s; every query names it by equality';

COMMENT ON COLUMN release_items.conversation_id IS 'No foreign key: the item outlives the conversation';

COMMENT ON COLUMN release_items.state IS 'Metadata as it went out, so that the same rows can be made again';

CREATE TABLE ingest_items (
    run_id UUID NOT NULL, 
    position INTEGER NOT NULL, 
    workspace_id UUID NOT NULL, 
    file TEXT NOT NULL, 
    outcome TEXT CONSTRAINT ck_ingest_items_outcome CHECK (outcome IN ('accepted', 'rejected')), 
    processing_status TEXT DEFAULT 'completed' NOT NULL CONSTRAINT ck_ingest_items_processing_status CHECK (processing_status IN ('queued', 'processing', 'completed', 'failed')), 
    report JSONB DEFAULT '{}'::jsonb NOT NULL, 
    CONSTRAINT pk_ingest_items PRIMARY KEY (run_id, position), 
    CONSTRAINT fk_ingest_items_workspace_id_run_id FOREIGN KEY(workspace_id, run_id) REFERENCES ingest_runs (workspace_id, id) ON DELETE CASCADE, 
    CONSTRAINT fk_ingest_items_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

COMMENT ON TABLE ingest_items IS 'Files of an import';

COMMENT ON COLUMN ingest_items.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN ingest_items.report IS 'What became of the file and each conversation in it';

CREATE TABLE conversation_turns (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    conversation_id UUID NOT NULL, 
    turn_number INTEGER NOT NULL CONSTRAINT ck_conversation_turns_turn_number CHECK (turn_number >= 1), 
    role VARCHAR(50) NOT NULL CONSTRAINT ck_conversation_turns_role CHECK (role IN ('user', 'assistant', 'system')), 
    content TEXT NOT NULL, 
    detected_emotion VARCHAR(100), 
    emotion_confidence NUMERIC(3, 2), 
    emotional_intensity NUMERIC(3, 2), 
    primary_strategy VARCHAR(255), 
    tone VARCHAR(100), 
    word_count INTEGER NOT NULL, 
    sentence_count INTEGER NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_conversation_turns PRIMARY KEY (id), 
    CONSTRAINT unique_conversation_turn UNIQUE (conversation_id, turn_number), 
    CONSTRAINT fk_conversation_turns_workspace_id_conversation_id FOREIGN KEY(workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE, 
    CONSTRAINT fk_conversation_turns_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

COMMENT ON TABLE conversation_turns IS 'Normalized storage of individual conversation turns for querying and analysis';

COMMENT ON COLUMN conversation_turns.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN conversation_turns.content IS 'The actual text content of the turn';

COMMENT ON COLUMN conversation_turns.primary_strategy IS 'Assistant turns only';

COMMENT ON COLUMN conversation_turns.tone IS 'Assistant turns only';

CREATE TABLE findings (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    conversation_id UUID NOT NULL, 
    code TEXT NOT NULL, 
    severity TEXT NOT NULL CONSTRAINT ck_findings_severity CHECK (severity IN ('error', 'warning', 'notice')), 
    check_version INTEGER NOT NULL, 
    turn_number INTEGER, 
    span_start INTEGER, 
    span_end INTEGER, 
    explanation TEXT NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    dismissed_by UUID, 
    dismissed_at TIMESTAMP WITH TIME ZONE, 
    dismissed_reason TEXT, 
    CONSTRAINT pk_findings PRIMARY KEY (id), 
    CONSTRAINT fk_findings_workspace_id_conversation_id FOREIGN KEY(workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE, 
    CONSTRAINT fk_findings_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_findings_dismissed_by FOREIGN KEY(dismissed_by) REFERENCES profiles (id)
);

CREATE INDEX idx_findings_code ON findings (workspace_id, code, conversation_id) WHERE dismissed_at IS NULL;

CREATE INDEX idx_findings_conversation ON findings (workspace_id, conversation_id);

COMMENT ON TABLE findings IS 'What the checks noticed; a warning, never a block';

COMMENT ON COLUMN findings.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN findings.span_start IS 'First character in the turn, from 0';

COMMENT ON COLUMN findings.span_end IS 'Behind the last character';

CREATE TABLE reviews (
    id UUID DEFAULT gen_random_uuid() NOT NULL, 
    workspace_id UUID NOT NULL, 
    conversation_id UUID NOT NULL, 
    reviewer_id UUID NOT NULL, 
    quality_score NUMERIC(2, 1) CONSTRAINT ck_reviews_quality_score CHECK (quality_score BETWEEN 1.0 AND 5.0), 
    empathy_score NUMERIC(2, 1) CONSTRAINT ck_reviews_empathy_score CHECK (empathy_score BETWEEN 1.0 AND 5.0), 
    clarity_score NUMERIC(2, 1) CONSTRAINT ck_reviews_clarity_score CHECK (clarity_score BETWEEN 1.0 AND 5.0), 
    appropriateness_score NUMERIC(2, 1) CONSTRAINT ck_reviews_appropriateness_score CHECK (appropriateness_score BETWEEN 1.0 AND 5.0), 
    brand_voice_alignment NUMERIC(2, 1) CONSTRAINT ck_reviews_brand_voice_alignment CHECK (brand_voice_alignment BETWEEN 1.0 AND 5.0), 
    decision VARCHAR(50) CONSTRAINT ck_reviews_decision CHECK (decision IN ('approved', 'rejected', 'needs_revision')), 
    reasons TEXT[] DEFAULT '{}'::text[] NOT NULL, 
    note TEXT, 
    turn_notes JSONB DEFAULT '{}'::jsonb NOT NULL, 
    seconds INTEGER CONSTRAINT ck_reviews_seconds CHECK (seconds >= 0), 
    turns_sha256 TEXT NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_reviews PRIMARY KEY (id), 
    CONSTRAINT uq_reviews_conversation_id_reviewer_id UNIQUE (conversation_id, reviewer_id), 
    CONSTRAINT fk_reviews_workspace_id_conversation_id FOREIGN KEY(workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE, 
    CONSTRAINT fk_reviews_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_reviews_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES profiles (id)
);

CREATE INDEX idx_reviews_reviewer ON reviews (workspace_id, reviewer_id, updated_at);

COMMENT ON TABLE reviews IS 'One a reviewer and conversation, bound to the turns that were read';

COMMENT ON COLUMN reviews.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN reviews.turn_notes IS 'Turn number to note';

COMMENT ON COLUMN reviews.seconds IS 'Time spent reading';

COMMENT ON COLUMN reviews.turns_sha256 IS 'The turns that were read';

CREATE TABLE review_drafts (
    workspace_id UUID NOT NULL, 
    conversation_id UUID NOT NULL, 
    reviewer_id UUID NOT NULL, 
    draft JSONB DEFAULT '{}'::jsonb NOT NULL, 
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_review_drafts PRIMARY KEY (conversation_id, reviewer_id), 
    CONSTRAINT fk_review_drafts_workspace_id_conversation_id FOREIGN KEY(workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE, 
    CONSTRAINT fk_review_drafts_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_review_drafts_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES profiles (id) ON DELETE CASCADE
);

COMMENT ON TABLE review_drafts IS 'Scores and notes that are not sent yet; they survive closing the browser';

COMMENT ON COLUMN review_drafts.workspace_id IS 'Tenant; every query names it by equality';

CREATE TABLE leases (
    workspace_id UUID NOT NULL, 
    conversation_id UUID NOT NULL, 
    holder_id UUID NOT NULL, 
    acquired_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    CONSTRAINT pk_leases PRIMARY KEY (conversation_id), 
    CONSTRAINT fk_leases_workspace_id_conversation_id FOREIGN KEY(workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE, 
    CONSTRAINT fk_leases_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_leases_holder_id FOREIGN KEY(holder_id) REFERENCES profiles (id)
);

CREATE INDEX idx_leases_holder ON leases (workspace_id, holder_id);

COMMENT ON TABLE leases IS 'Who reads what at the moment, so that nobody is handed the same conversation';

COMMENT ON COLUMN leases.workspace_id IS 'Tenant; every query names it by equality';

CREATE TABLE turn_exclusions (
    workspace_id UUID NOT NULL, 
    conversation_id UUID NOT NULL, 
    turn_number INTEGER NOT NULL, 
    turns_sha256 TEXT NOT NULL, 
    excluded_by UUID NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_turn_exclusions PRIMARY KEY (conversation_id, turn_number), 
    CONSTRAINT fk_turn_exclusions_workspace_id_conversation_id FOREIGN KEY(workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE, 
    CONSTRAINT fk_turn_exclusions_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE, 
    CONSTRAINT fk_turn_exclusions_excluded_by FOREIGN KEY(excluded_by) REFERENCES profiles (id)
);

COMMENT ON TABLE turn_exclusions IS 'Messages that a reviewer keeps out of training; exported as weight or train';

COMMENT ON COLUMN turn_exclusions.workspace_id IS 'Tenant; every query names it by equality';

CREATE TABLE similarity_signatures (
    workspace_id UUID NOT NULL, 
    conversation_id UUID NOT NULL, 
    turns_sha256 TEXT NOT NULL, 
    version INTEGER NOT NULL, 
    signature BYTEA NOT NULL, 
    CONSTRAINT pk_similarity_signatures PRIMARY KEY (conversation_id), 
    CONSTRAINT fk_similarity_signatures_workspace_id_conversation_id FOREIGN KEY(workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE, 
    CONSTRAINT fk_similarity_signatures_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

COMMENT ON TABLE similarity_signatures IS 'What near-duplicates are found by';

COMMENT ON COLUMN similarity_signatures.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN similarity_signatures.signature IS 'MinHash, see convstore.checks.similarity';

CREATE TABLE similarity_bands (
    workspace_id UUID NOT NULL, 
    conversation_id UUID NOT NULL, 
    band SMALLINT NOT NULL, 
    key BIGINT NOT NULL, 
    CONSTRAINT pk_similarity_bands PRIMARY KEY (conversation_id, band), 
    CONSTRAINT fk_similarity_bands_workspace_id_conversation_id FOREIGN KEY(workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE, 
    CONSTRAINT fk_similarity_bands_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

CREATE INDEX idx_similarity_bands_key ON similarity_bands (workspace_id, key, conversation_id);

COMMENT ON TABLE similarity_bands IS 'Bands of MinHash signatures: equal keys make candidates';

COMMENT ON COLUMN similarity_bands.workspace_id IS 'Tenant; every query names it by equality';

CREATE TABLE duplicate_members (
    workspace_id UUID NOT NULL, 
    conversation_id UUID NOT NULL, 
    group_id UUID NOT NULL, 
    similarity NUMERIC(4, 3) NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    CONSTRAINT pk_duplicate_members PRIMARY KEY (conversation_id), 
    CONSTRAINT fk_duplicate_members_workspace_id_conversation_id FOREIGN KEY(workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE, 
    CONSTRAINT fk_duplicate_members_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

CREATE INDEX idx_duplicate_members_group ON duplicate_members (workspace_id, group_id);

COMMENT ON TABLE duplicate_members IS 'Groups of exact and near duplicates, kept transitively';

COMMENT ON COLUMN duplicate_members.workspace_id IS 'Tenant; every query names it by equality';

COMMENT ON COLUMN duplicate_members.group_id IS 'The smallest conversation id of the group';

COMMENT ON COLUMN duplicate_members.similarity IS 'Highest Jaccard similarity to another member';
