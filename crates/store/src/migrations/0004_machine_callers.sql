CREATE TABLE account (
    account_id TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    secret_sealed {bytes} NOT NULL,
    previous_sealed {bytes},
    previous_until {int},
    token_lifetime {int} NOT NULL,
    remarks TEXT,
    enabled {bool} NOT NULL,
    last_used_at {int},
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    PRIMARY KEY (account_id)
) {clustered};
CREATE INDEX account_application ON account (pool_id, app_id);

-- The namespace is the App ID, or the pool's own id.
CREATE TABLE resource (
    pool_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    code TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (pool_id, namespace, code)
) {clustered};

-- The key is the SHA-256 of the content.
CREATE TABLE rule (
    pool_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    key {bytes} NOT NULL,
    account_id TEXT,
    content TEXT NOT NULL,
    PRIMARY KEY (pool_id, app_id, key)
) {clustered};
CREATE INDEX rule_account ON rule (pool_id, app_id, account_id);

-- scope items and resource indicators of users
ALTER TABLE user_grant ADD COLUMN rejected_scope TEXT;
ALTER TABLE user_grant ADD COLUMN api TEXT;
ALTER TABLE user_grant ADD COLUMN ip TEXT;
