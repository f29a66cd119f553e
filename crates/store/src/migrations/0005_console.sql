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

-- counters of use

-- traces of failures

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

-- revisions of the configuration
