-- user pools
-- The default pool has no identifier and no address here: its address is configured. Its host is written down by a
-- server that starts, so that no other pool takes it.
ALTER TABLE pool ADD COLUMN identifier TEXT;
ALTER TABLE pool ADD COLUMN base_url TEXT;
ALTER TABLE pool ADD COLUMN host TEXT;
ALTER TABLE pool ADD COLUMN removed_at {int};
ALTER TABLE pool ADD COLUMN version {int} NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX pool_identifier ON pool (identifier);
CREATE UNIQUE INDEX pool_host ON pool (host);

-- history of users
-- The users that a revision is about, which is about nothing else then.
CREATE TABLE revision_user (
    pool_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    revision_id {bytes} NOT NULL,
    PRIMARY KEY (pool_id, user_id, revision_id)
) {clustered};
CREATE INDEX revision_user_revision ON revision_user (pool_id, revision_id);

-- imports of users at one of several nodes
-- What each node says of the file in its memory. It holds no line of the file.
CREATE TABLE import_desk (
    pool_id TEXT NOT NULL,
    node TEXT NOT NULL,
    host TEXT NOT NULL,
    name TEXT NOT NULL,
    begun_at {int} NOT NULL,
    seen_at {int} NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (pool_id, node)
) {clustered};

-- pages of accounts, rules and keys
DROP INDEX account_application;
CREATE INDEX account_application ON account (pool_id, app_id, account_id);
DROP INDEX rule_account;
CREATE INDEX rule_account ON rule (pool_id, app_id, account_id, key);
-- Partial ones: what an issuer publishes is found by its own key.
CREATE INDEX issuer_key_signing ON issuer_key (pool_id, created_at) WHERE state = 'active';
CREATE INDEX issuer_key_to_come ON issuer_key (pool_id, created_at) WHERE state = 'next';

-- which applications have changed
CREATE INDEX application_version ON application (pool_id, app_id, version);
