-- first run and administrators
CREATE TABLE administrator (
    pool_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    applications TEXT NOT NULL,
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    PRIMARY KEY (pool_id, user_id)
) {clustered};

CREATE TABLE setup_link (
    pool_id TEXT NOT NULL,
    hash {bytes} NOT NULL,
    expires_at {int} NOT NULL,
    PRIMARY KEY (pool_id)
) {clustered};

CREATE TABLE console_session (
    session_id {bytes} NOT NULL,
    pool_id TEXT NOT NULL,
    hash {bytes} NOT NULL,
    user_id TEXT NOT NULL,
    auth_time {int} NOT NULL,
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    ended_at {int},
    PRIMARY KEY (session_id)
) {clustered};
CREATE INDEX console_session_user ON console_session (pool_id, user_id);
CREATE INDEX console_session_expires_at ON console_session (expires_at);

-- audit log
CREATE TABLE audit (
    audit_id {bytes} NOT NULL,
    pool_id TEXT NOT NULL,
    at {int} NOT NULL,
    kind TEXT NOT NULL,
    action TEXT NOT NULL,
    success {bool} NOT NULL,
    times {int} NOT NULL,
    via TEXT NOT NULL,
    actor_id TEXT,
    actor_name TEXT,
    target_kind TEXT,
    target_id TEXT,
    target_name TEXT,
    app_id TEXT,
    app_name TEXT,
    ip TEXT,
    user_agent TEXT,
    request_id TEXT,
    detail TEXT NOT NULL,
    seq {int},
    hash {bytes},
    PRIMARY KEY (audit_id)
) {clustered};
CREATE INDEX audit_unsealed ON audit (pool_id, audit_id) WHERE seq IS NULL;
CREATE UNIQUE INDEX audit_seq ON audit (pool_id, seq) WHERE seq IS NOT NULL;
CREATE INDEX audit_kind ON audit (pool_id, kind, audit_id) WHERE seq IS NOT NULL;
CREATE INDEX audit_action ON audit (pool_id, action, audit_id) WHERE seq IS NOT NULL;
CREATE INDEX audit_actor ON audit (pool_id, actor_id, audit_id) WHERE seq IS NOT NULL;
CREATE INDEX audit_application ON audit (pool_id, app_id, audit_id) WHERE seq IS NOT NULL;
CREATE INDEX audit_target ON audit (pool_id, target_id, audit_id) WHERE seq IS NOT NULL;
CREATE INDEX audit_ip ON audit (pool_id, ip, audit_id) WHERE seq IS NOT NULL;
CREATE INDEX audit_request ON audit (pool_id, request_id, audit_id) WHERE seq IS NOT NULL;
CREATE INDEX audit_failed ON audit (pool_id, audit_id) WHERE seq IS NOT NULL AND NOT success;

CREATE TABLE audit_head (
    pool_id TEXT NOT NULL,
    seq {int} NOT NULL,
    hash {bytes} NOT NULL,
    base_seq {int} NOT NULL,
    base_hash {bytes} NOT NULL,
    PRIMARY KEY (pool_id)
) {clustered};

-- counters of use
CREATE TABLE use_count (
    pool_id TEXT NOT NULL,
    day {int} NOT NULL,
    app_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    count {int} NOT NULL,
    PRIMARY KEY (pool_id, day, app_id, kind)
) {clustered};

-- One row for each user: the last day on which they did something, in seconds.
CREATE TABLE active_user (
    pool_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    day {int} NOT NULL,
    mark {bytes} NOT NULL,
    PRIMARY KEY (pool_id, user_id)
) {clustered};
CREATE INDEX active_user_day ON active_user (pool_id, day);
ALTER TABLE application ADD COLUMN secret_set_at {int};

-- traces of failures
CREATE TABLE trace (
    trace_id {bytes} NOT NULL,
    pool_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    request_id TEXT NOT NULL,
    app_id TEXT,
    content TEXT NOT NULL,
    expires_at {int} NOT NULL,
    PRIMARY KEY (trace_id)
) {clustered};
CREATE INDEX trace_reference ON trace (pool_id, reference);
CREATE INDEX trace_application ON trace (pool_id, app_id, trace_id);
CREATE INDEX trace_expires_at ON trace (expires_at);

-- people: search, one-time links
-- The version of a user whose words were written; other than `version`: they have to be written again.
ALTER TABLE pool_user ADD COLUMN indexed {int} NOT NULL DEFAULT 0;
CREATE INDEX user_newest ON pool_user (pool_id, user_id);
CREATE INDEX user_unindexed ON pool_user (pool_id, user_id) WHERE indexed <> version;
CREATE TABLE user_word (
    pool_id TEXT NOT NULL,
    word {bytes} NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (pool_id, word, user_id)
) {clustered};
CREATE INDEX user_word_user ON user_word (pool_id, user_id, word);

CREATE TABLE user_link (
    link_id {bytes} NOT NULL,
    pool_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    hash {bytes} NOT NULL,
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    used_at {int},
    PRIMARY KEY (link_id)
) {clustered};
CREATE UNIQUE INDEX user_link_user ON user_link (pool_id, user_id);
CREATE INDEX user_link_expires_at ON user_link (expires_at);

-- who is signed in to an application: by time, page by page
DROP INDEX user_grant_application;
CREATE INDEX user_grant_application ON user_grant (pool_id, app_id, grant_id);

-- revisions of the configuration
-- What an operator saved, how to undo it, and what it made so.
CREATE TABLE revision (
    pool_id TEXT NOT NULL,
    revision_id {bytes} NOT NULL,
    at {int} NOT NULL,
    author_id TEXT,
    author_name TEXT,
    via TEXT NOT NULL,
    reason TEXT,
    title TEXT NOT NULL,
    lines TEXT NOT NULL,
    undo TEXT,
    redo TEXT,
    undoes {bytes},
    undone_by {bytes},
    PRIMARY KEY (pool_id, revision_id)
) {clustered};

-- The applications that a revision is about.
CREATE TABLE revision_application (
    pool_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    revision_id {bytes} NOT NULL,
    PRIMARY KEY (pool_id, app_id, revision_id)
) {clustered};
CREATE INDEX revision_application_revision ON revision_application (pool_id, revision_id);

-- admin API: repeated requests
-- Without an answer it is at work, and `expires_at` says until when at most.
CREATE TABLE api_request (
    pool_id TEXT NOT NULL,
    key {bytes} NOT NULL,
    body {bytes} NOT NULL,
    answer_sealed {bytes},
    expires_at {int} NOT NULL,
    PRIMARY KEY (pool_id, key)
) {clustered};
CREATE INDEX api_request_expires_at ON api_request (expires_at);
