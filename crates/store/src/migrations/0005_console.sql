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

-- revisions of the configuration
