-- history of users
-- The users that a revision is about, which is about nothing else then.
CREATE TABLE revision_user (
    pool_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    revision_id {bytes} NOT NULL,
    PRIMARY KEY (pool_id, user_id, revision_id)
) {clustered};
CREATE INDEX revision_user_revision ON revision_user (pool_id, revision_id);
